# The cache itself: disks that are full, small, read-only or unfit; many entries; what a full one
# keeps; and the modes of ffs-cache that look after it.
load helper.bash

setup_file() {
	export unit="${FFS_TEST_BUILD:-$BATS_TEST_DIRNAME/../build}/tests/unit"
}

# on_tmpfs OPTIONS SCRIPT: run it in a mount namespace of its own with ./m mounted.
on_tmpfs() {
	need_root || return 1
	mkdir -p m
	run -0 timeout 240 unshare --mount --propagation private -- bash -euc "mount -t tmpfs -o $1 none m
		$2"
	[ -z "$output" ]
}

@test "where nothing more can be noted of who was served, nothing is" {
	on_tmpfs size=1m 'head -c 1000k /dev/zero >m/others; '"$unit/served full m/cache"
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

# --- through the tools ---

# dataset NAME CHUNKS: a store with that, of 32 KB a chunk; NAME.csv is the whole.
dataset() {
	[ -n "${url-}" ] || start_node
	seq -f "%.0f,$1,abcdefghijklmnopqrstuvw" 1000001 $((1000000 + 1000 * $2)) >"$1.csv"
	ffs-split -n "$1" -r 1000 "$1.csv" | ffs-load -q
}

# pass NAME: read it by ffs-get, keeping what the rule allows; sets hits, of a hundred reads.
pass() {
	local before after
	before=$(ffs-cache --stat --json | jq '.hits')
	ffs-get --cache=fill "$1" | cmp - "$1.csv"
	after=$(ffs-cache --stat --json | jq '.hits')
	hits=$(((after - before) * 100 / $2))
}

# entry ROW: the file that has it.
entry() {
	grep -lr "^$1," "$HOME/.cache/ffs/v1"
}

@test "passes over twice what there is room for hit half of it, and other data gets in" {
	dataset d 40
	dataset e 16
	ffs-cache -q --size 700k d || true
	for i in 1 2 3 4; do
		pass d 40
		[ "$hits" -ge 45 ]
	done
	[ "$(ffs-cache --stat --json | jq .evictions)" -eq 0 ]
	for i in 1 2 3 4; do pass e 16; done
	[ "$hits" -eq 100 ]
	[ "$(ffs-cache --stat --json | jq '.bytes <= 700 * 1024')" = true ]
}

@test "what is named comes in place of what was there, but for what is pinned" {
	dataset d 20
	dataset e 20
	dataset f 10
	ffs-cache -q --size 700k d
	ffs-cache -q e || true
	[ "$(ffs-cache --list --json e | grep -c '"type":"object"')" -ge 19 ]
	ffs-cache --clear
	ffs-cache -q d
	ffs-cache --pin d
	run -0 ffs-cache --pin
	[ "$output" = d ]
	# What is left of the cache is not enough for another.
	run -1 --separate-stderr ffs-cache e
	[[ $stderr == *"what is left is pinned"* || $stderr == *"recently"* ]]
	run -0 ffs-cache --list --json d
	[ "$(grep -c '"type":"object".*"pinned":true' <<<"$output")" -eq 20 ]
	run -1 --separate-stderr ffs-cache --evict d
	[ "$output" = "0 removed" ]
	[[ $stderr == *"are pinned"* ]]
	ffs-cache --unpin d
	run -0 ffs-cache --evict 'ffs/d/1/0000*' 'ffs/d/1/00010.csv'
	[ "$output" = "11 removed" ]
	run -3 --separate-stderr ffs-cache --evict 'ffs/d/1/0000*'
	run -0 ffs-cache --evict d
	run -3 --separate-stderr ffs-cache --list d
}

@test "verify drops what is wrong and nothing else; then it is fetched again" {
	dataset d 8
	ffs-cache -q d
	run -0 ffs-cache --verify
	[[ $output == "9 entries, "*" 0 wrong" ]]
	local f0 f1 f2 f3
	f0=$(entry 1000001) f1=$(entry 1001001) f2=$(entry 1002001) f3=$(entry 1003001)
	chmod 644 "$f0" "$f1" "$f2"
	printf x | dd of="$f0" bs=1 seek=500 conv=notrunc status=none
	truncate -s -1 "$f1"
	setfattr -x user.ffs.object "$f2"
	cp --preserve=all --remove-destination "$(entry 1004001)" "$f3"
	run -6 --separate-stderr ffs-cache --verify
	[[ $output == "9 entries, "*" 4 wrong" ]]
	[[ $stderr == *"'s3://ffs/d/1/00000.csv' is not what it was"* ]]
	[ ! -e "$f0" ] && [ ! -e "$f1" ] && [ ! -e "$f2" ] && [ ! -e "$f3" ]
	run -0 ffs-cache --stat --json
	[ "$(jq '[.entries, .damaged] | join(" ")' <<<"$output")" = '"4 4"' ]
	run -0 --separate-stderr ffs-cache d
	[[ $stderr == "4 filled, "* ]]
	ffs-get --cache=only d | cmp - d.csv
	run -0 ffs-cache --clear
	[ "$output" = "9 removed" ]
	run -3 --separate-stderr ffs-get --cache=only d
}

@test "readers, fillers and an evictor at once: every byte is right, and the limit holds" {
	dataset d 24
	ffs-cache -q --size 400k d || true
	for who in a b; do
		(for _ in {1..15}; do ffs-get --cache=fill d 2>>"$who.err" | cmp - d.csv || touch wrong; done) 3>&- &
		others[${#others[@]}]=$!
	done
	(for _ in {1..10}; do ffs-cache -q d 2>/dev/null || true; done) 3>&- &
	others[${#others[@]}]=$!
	for _ in {1..10}; do ffs-cache -q --evict 'ffs/d/1/*[0-4].csv' >/dev/null 2>&1 || true; done
	for pid in "${others[@]}"; do wait "$pid"; done
	[ ! -e wrong ]
	cat ./*.err
	[ ! -s a.err ] && [ ! -s b.err ]
	run -0 ffs-cache --verify
	[[ $output == *" 0 wrong" ]]
	[ "$(ffs-cache --stat --json | jq '.bytes <= 400 * 1024')" = true ]
}
