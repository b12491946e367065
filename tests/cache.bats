# The cache below its tools: disks that are full, small, read-only or unfit; many entries; damage.
load helper.bash

setup_file() {
	export unit="${FFS_TEST_BUILD:-$BATS_TEST_DIRNAME/../build}/tests/unit"
}

# on_tmpfs OPTIONS SCRIPT: run it in a mount namespace of its own with ./m mounted.
on_tmpfs() {
	need_root || return 1
	mkdir -p m
	run -0 timeout 60 unshare --mount --propagation private -- bash -euc "mount -t tmpfs -o $1 none m
		$2"
	[ -z "$output" ]
}

@test "a full disk refuses, serves what it has, and its share stays free" {
	on_tmpfs size=8m "$unit/cachedisk full m/cache"
}

@test "a disk that others have filled is left alone" {
	on_tmpfs size=8m 'head -c 7800k /dev/zero >m/others; '"$unit/cachedisk crowded m/cache"
}

@test "a disk that runs out of inodes refuses, and serves what it has" {
	on_tmpfs size=64m,nr_inodes=400 "$unit/cachedisk inodes m/cache"
}

@test "a read-only disk is read" {
	on_tmpfs size=8m "$unit/cachedisk some m/cache; mount -o remount,ro none m; $unit/cachedisk readonly m/cache"
}

@test "a directory that others may only read is read" {
	need_root
	need_cmd setpriv
	mkdir d
	"$unit/cachedisk" some d/cache
	chmod -R a+rX . d
	chmod a+x "$BATS_RUN_TMPDIR" "$BATS_TEST_TMPDIR" "$BATS_TEST_TMPDIR/.."
	run -0 setpriv --reuid=65534 --regid=65534 --clear-groups "$unit/cachedisk" readonly d/cache
	[ -z "$output" ]
}

@test "a file system without user xattrs is refused with that reason" {
	need_root
	mkdir m
	run -0 unshare --mount --propagation private -- bash -euc "mount -t ramfs none m
		$unit/cachedisk unfit m/cache"
	[ -z "$output" ]
}

# as_nobody COMMAND...: with a directory ./d that belongs to him.
as_nobody() {
	need_root && need_cmd setpriv || return 1
	mkdir -p d
	chown 65534:65534 d
	chmod a+x "$BATS_RUN_TMPDIR" "$BATS_TEST_TMPDIR" "$BATS_TEST_TMPDIR/.."
	run -0 timeout 60 setpriv --reuid=65534 --regid=65534 --clear-groups "$@"
	[ -z "$output" ]
}

@test "100,000 entries are there again, known and bounded" {
	on_tmpfs size=2g,nr_inodes=0 "$unit/cachedisk many m/cache"
}

@test "a restart reads and fills without looking around" {
	as_nobody "$unit/cachedisk" some d/cache
	chmod 0333 d/cache/v1/??
	as_nobody "$unit/cachedisk" unlisted d/cache
}

@test "an unprivileged user marks and links what is his" {
	as_nobody env -C d "$unit/cache"
}

@test "what root makes in a user's cache is the user's" {
	as_nobody "$unit/cachedisk" some d/cache
	"$unit/cachedisk" ten d/cache
	rm d/cache/table
	"$unit/cachedisk" ten d/cache
	run -0 find d ! -user 65534
	[ -z "$output" ]
}
