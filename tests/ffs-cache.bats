# ffs-cache: names and the kernel's events in, cache files out.
load helper.bash

# start_dataset [OPTION...]: a store with dataset d of 10 chunks and their messages; book.csv is
# the whole.
start_dataset() {
	start_node
	"${FFS_TEST_BUILD:-$BATS_TEST_DIRNAME/../build}/testdata/lobster-gen" -r 10000 -l 10 >names
	mv "$(sed -n 1p names)" book.csv
	mv "$(sed -n 2p names)" message.csv
	ffs-split -r 1000 -n d -m message.csv book.csv | ffs-load -q "$@" 2>/dev/null
}

# stat_is JQ-FILTER VALUE
stat_is() {
	[ "$(ffs-cache --stat --json | jq -r "$1")" = "$2" ] || { ffs-cache --stat >&2; return 1; }
}

# start_objects NAME...: a store with objects bkt/NAME of 5,000 bytes, ./NAME being the same.
start_objects() {
	local name
	start_node --anonymous
	curl -sS -X PUT "$url/bkt" -o /dev/null
	for name; do
		{ echo "$name"; head -c 5000 /dev/urandom; } >"$name"
		curl -sS -T "$name" "$url/bkt/$name"
	done
}

start_hotmon() {
	: >hotmon.log # of one before
	ffs-hotmon -v --cgroup "$FFS_LAB_CGROUP" --ports "${url##*:}" "$@" >hot 2>hotmon.log &
	hotmon_pid=$!
	pids+=("$hotmon_pid")
	until_true 20 grep -q 'attached to lo' hotmon.log || { cat hotmon.log >&2; return 1; }
}

# start_cache [OPTION...]: following; ./log gets its lines.
start_cache() {
	: >cache.log
	ffs-cache -v --json "$@" >>log 2>cache.log &
	cache_pid=$!
	pids+=("$cache_pid")
	until_true 20 grep -q ': following;' cache.log || { cat cache.log >&2; return 1; }
}

# stop PID [SIGNAL]: it is gone then; sets status.
stop() {
	status=0
	kill -s "${2:-TERM}" "$1"
	wait "$1" || status=$?
}

# logged N PATTERN: so many lines of log match, soon.
has_logged() {
	[ "$(grep -c "$2" log)" -ge "$1" ]
}
logged() {
	until_true 20 has_logged "$@" || { cat log cache.log hotmon.log >&2; ffs-hotmon --once --json >&2; return 1; }
}

# read_twice URL...: as any program does.
read_twice() {
	local u
	for u in "$@" "$@"; do curl -sS -f -o /dev/null "$u"; done
}

counter() {
	ffs-hotmon --once --json | jq "select(.counters).counters.$1"
}

# only_right: no entry is wrong, and no file of a fill is left.
only_right() {
	ffs-cache --verify >verified
	[ -z "$(find "$HOME/.cache/ffs/v1" -name '.?*' -type f)" ]
}

@test "a dataset that is named is filled, with messages and manifest, and needs no store then" {
	start_dataset
	run -0 --separate-stderr ffs-cache d
	[ -z "$output" ]
	[[ $stderr == "20 filled, "*"; 0 were there" ]]
	kill "$node_pid"
	wait "$node_pid" || true
	ffs-get --cache=only d >out
	cmp out book.csv
	ffs-get --cache=only --message d | cmp - message.csv
}

@test "--stat tells who was served from where" {
	start_dataset
	run -0 ffs-cache --dir none --stat --json --size 1g
	[ "$(jq -c '.served.cache, .programs' <<<"$output")" = $'0\n[]' ]
	ffs-cache -q d
	ffs-get --chunks 0-2 d >out
	ffs-get s3://ffs/d/1/00000.csv >out
	cp "$(command -v ffs-get)" $'a\n"b'
	./$'a\n"b' --cache=refresh s3://ffs/d/1/00001.csv >out
	./$'a\n"b' --cache=fill s3://ffs/d/1/00001.csv >out
	size=$(stat -c %s out)
	run -0 ffs-cache --stat
	[[ $output == *$'\nserved      1 origin, 2 revalidated, 3 cache; '*' MB by the cache'* ]]
	[[ $output == *$'\nprogram     '"$(id -un) ffs-get: 0 origin, 1 revalidated, 3 cache; "* ]]
	[[ $output == *$'\nprogram     '"$(id -un) a?\"b: 1 origin, 1 revalidated, 0 cache; "* ]]
	stat_is '.programs[] | select(.comm == "a\n\"b") | .uid, .revalidated, .revalidated_bytes' \
		"$(id -u)"$'\n1\n'"$size"
	stat_is '.programs | length' 2
	ffs-cache --clear
	stat_is '.served.cache, (.programs | length)' $'0\n0'
}

@test "what is there is not fetched again, and costs no request but for the manifest" {
	start_dataset
	proxy
	ffs-cache -q d
	[ "$(grep -c csv requests)" -eq 20 ]
	: >requests
	run -0 --separate-stderr ffs-cache d
	[ "$stderr" = "0 filled, 0.0 MB; 20 were there" ]
	[ "$(cut -d' ' -f1,2 requests)" = "GET /ffs/d/manifest.json" ]
	stat_is .fills 21
}

@test "names are datasets, patterns, generations, objects, URLs, and lines of other tools" {
	start_dataset
	ffs-split -r 1000 -n dd book.csv | ffs-load -q 2>/dev/null
	ffs-cache -q 'd?'
	stat_is .entries 10
	ffs-cache -q d@1 s3://ffs/d/1/00000.csv
	stat_is .entries 30
	ffs-cache --clear
	ffs-get --list --chunks 0-2 d | ffs-cache -q -
	stat_is .entries 3
	ffs-get --list --json --chunks 3 d | ffs-cache -q -
	ffs-get --list --presign --chunks 4 d | ffs-cache -q -
	ffs-cache -q "$url/ffs/d/1/0000%35.csv"
	ffs-cache -q "${url/127.0.0.1/127.0.0.1}/ffs/d/1/00006.csv?x-id=GetObject"
	stat_is .entries 7
	printf '%s\n' '{"counters":{"reads":3}}' '' '{"type":"counters"}' \
		"{\"type\":\"hot\",\"url\":\"$url/ffs/d/1/00007.csv\",\"key\":\"x\"}" \
		'{"dataset":"dd"}' 'd' | ffs-cache -q -
	stat_is .entries 30
	ffs-get --list --json | ffs-cache --json - >fills
	[ ! -s fills ]
	ffs-get --list d >list
	ffs-cache -q - <list
	only_right
}

@test "a line or a name that is of no use is one error, and the rest goes on" {
	start_dataset
	head -c 70000 /dev/zero | tr '\0' x >long
	{
		echo "http://127.0.0.1:1/ffs/d/1/00000.csv"
		printf 'a\001\033[31mb\n'
		printf 'nul\0nul\n'
		printf '{"type":"hot","url":"%s/ffs/d/1/0000%%00.csv"}\n' "$url"
		printf '{"type":"hot"}\n{"type":"hot","url":17}\n{"url"\n[1]\n'
		printf '{"type":"hot","url":"%s/ffs/d/1/00000.csv?versionId=1"}\n' "$url"
		printf '{"type":"hot","url":"%s/ffs?list-type=2"}\n' "$url"
		printf 's3://ffs\ns3://F/x\n../x\n'
		cat long
		echo
		echo "s3://ffs/none"
		echo "nodataset"
		echo "$url/ffs/d/1/00002.csv"
		printf 's3://ffs/d/1/00003.csv' # no end of line
	} >lines
	run -1 --separate-stderr ffs-cache - <lines
	[ "${#stderr_lines[@]}" -eq 17 ]
	[[ ${stderr_lines[0]} == "ffs-cache: line 1: cannot cache 'http://127.0.0.1:1/ffs/d/1/00000.csv': its endpoint is not configured" ]]
	[[ ${stderr_lines[1]} == "ffs-cache: line 2: cannot cache 'a??[31mb': it is no name of a dataset" ]]
	[[ $stderr == *"line 14: it is too long"* ]]
	[[ $stderr == *"cannot cache 's3://ffs/none': NoSuchKey"* ]]
	[[ $stderr == *"cannot read dataset 'nodataset'"* ]]
	stat_is .entries 2
	run -3 --separate-stderr ffs-cache nodataset
	run -3 --separate-stderr ffs-cache s3://ffs/none
	run -1 --separate-stderr ffs-cache ../x
	run -1 --separate-stderr ffs-cache http://127.0.0.1:1/ffs/x
}

@test "stores that fail, or lie, leave nothing in the cache" {
	local rule
	start_dataset
	own_keys
	export FFS_RETRIES=1
	for rule in "403 4" "404 3" "503 5" "trunc 6" "flip 6" "close 5"; do
		read -r action want <<<"$rule"
		AWS_ENDPOINT_URL=$url
		proxy GET 'd/1/00003\.csv' 99 "$action"
		run -"$want" --separate-stderr ffs-cache s3://ffs/d/1/00003.csv
		[[ ${stderr_lines[0]} == "ffs-cache: cannot cache 's3://ffs/d/1/00003.csv': "* ]]
		[[ ${stderr_lines[-1]} == "0 filled, "* ]]
		# Whoever is no chunk has the store's checksum and length.
		run -"$want" --separate-stderr env FFS_BUCKET=other ffs-cache --allow 'ffs/*' s3://ffs/d/1/00003.csv
		stat_is .entries 0
		only_right
	done
	# Once only: asked for again, it is right.
	proxy GET 'd/1/00003\.csv' 1 flip
	ffs-cache -q s3://ffs/d/1/00003.csv
	stat_is .entries 1
	only_right
}

@test "what is in no manifest is checked by what the store says" {
	local action
	start_dataset
	FFS_RETRIES=0
	export FFS_RETRIES
	for action in flip trunc; do
		AWS_ENDPOINT_URL=$url
		proxy GET manifest 99 404 GET '00003\.csv' 99 "$action"
		run -6 --separate-stderr ffs-cache s3://ffs/d/1/00003.csv
		stat_is .entries 0
		only_right
	done
	AWS_ENDPOINT_URL=$url
	proxy GET manifest 99 404
	ffs-cache -q s3://ffs/d/1/00003.csv
	ffs-get --cache=only s3://ffs/d/1/00003.csv >out
	ffs-get --endpoint "$url" --chunks 3 d | cmp - out
}

@test "what is in no manifest is asked for by its ETag again" {
	start_objects a b
	ffs-cache -q s3://bkt/a
	run -0 --separate-stderr ffs-cache s3://bkt/a
	[ "$stderr" = "0 filled, 0.0 MB; 1 were there" ]
	curl -sS -T b "$url/bkt/a"
	run -0 --separate-stderr ffs-cache s3://bkt/a
	[ "$stderr" = "1 filled, 0.0 MB; 0 were there" ]
	ffs-get --cache=only s3://bkt/a | cmp - b
	stat_is .entries 1
	# Gone at the store, gone here.
	curl -sS -X DELETE "$url/bkt/a"
	run -3 --separate-stderr ffs-cache s3://bkt/a
	stat_is .entries 0
	# An object may be empty.
	: >empty
	curl -sS -T empty "$url/bkt/empty"
	ffs-cache -q s3://bkt/empty
	stat_is .entries 1
	only_right
}

@test "a manifest that cannot be read leaves compressed chunks alone" {
	start_dataset --zstd
	FFS_RETRIES=0 proxy GET 'd/1/manifest' 99 404
	run -3 --separate-stderr ffs-cache s3://ffs/d/1/00000.csv.zst
	[[ $stderr == *"its manifest cannot be read"* ]]
	stat_is .entries 0
	ffs-cache -q d
	stat_is .entries 20
	ffs-get --cache=only d | cmp - book.csv
}

@test "all fills together keep to a rate" {
	start_node --anonymous
	curl -sS -X PUT "$url/bkt" -o /dev/null
	head -c 1000000 /dev/urandom >a
	curl -sS -T a "$url/bkt/a"
	curl -sS -T a "$url/bkt/b"
	ffs-cache -q --json --bwlimit 16mbit s3://bkt/a s3://bkt/b >fills
	# Two million bytes at two million a second: less a burst of a tenth and what one read gives.
	jq -s -e 'length == 2 and (map(.us) | max) > 500000' fills
}

@test "the cache is listed, pinned, evicted, verified and cleared" {
	start_dataset
	ffs-split -r 1000 -n dd book.csv | ffs-load -q 2>/dev/null
	run -3 --separate-stderr ffs-cache --list
	ffs-cache -q d dd
	run -0 --separate-stderr ffs-cache --list 'ffs/dd/*' 'ffs/d/1/00000.*'
	[ "${#lines[@]}" -eq 14 ]
	[[ ${lines[0]} == *"BYTES"*"OBJECT" ]]
	[[ ${lines[1]} == *" ----  s3://ffs/d/1/00000.csv" ]]
	run -3 --separate-stderr ffs-cache --list none
	ffs-cache --pin d
	[ "$(ffs-cache --pin)" = d ]
	run -1 --separate-stderr ffs-cache --evict 'ffs/*'
	[[ $stderr == "ffs-cache: "*" pinned and stay" ]]
	stat_is .entries 20
	[ "$(ffs-cache --list --json d | jq -s 'map(select(.pinned)) | length')" -ge 20 ]
	run -3 --separate-stderr ffs-cache --unpin dd
	ffs-cache --unpin d
	[ -z "$(ffs-cache --pin)" ]
	run -3 --separate-stderr ffs-cache --evict nothing
	[ "$(ffs-cache --evict 'ffs/d/1/0000[0-4].csv')" = "5 removed" ]
	file=$(grep -rlaF "$(head -1 book.csv)" "$HOME/.cache/ffs/v1" | head -1)
	[ -z "$file" ] || chmod u+w "$file"
	file=$(find "$HOME"/.cache/ffs/v1/[0-9a-f]* -type f | head -1)
	chmod u+w "$file"
	printf X | dd of="$file" bs=1 seek=10 conv=notrunc status=none
	run -6 --separate-stderr ffs-cache --verify
	[[ $stderr == "ffs-cache: 's3://ffs/d/1/"*"' is not what it was" ]]
	[[ $output == *": 1 wrong" ]]
	stat_is .entries 14
	ffs-cache --verify --json | jq -e '.wrong == 0 and .entries >= 14'
	[[ $(ffs-cache --stat) == *"fills       "* ]]
	run -0 ffs-cache --clear
	stat_is .entries 0
	stat_is .fills 0
}

@test "who only looks at the pins makes no cache, and only a dataset can be pinned" {
	start_dataset
	run -3 --separate-stderr ffs-cache --pin
	[ ! -e "$HOME/.cache/ffs" ]
	run -2 --separate-stderr ffs-cache --pin 'd*' s3://ffs/d d@1 d
	[ "${#stderr_lines[@]}" -eq 3 ]
	[ "${stderr_lines[0]}" = "ffs-cache: cannot pin 'd*': it is no name of a dataset" ]
	[ "$(ffs-cache --pin)" = d ]
}

@test "of what is named only what --allow and --deny leave is filled, which is no failure" {
	start_dataset
	ffs-get --list d >list
	run -0 --separate-stderr ffs-cache --allow 'ffs/d/*' --deny 'ffs/*[5-9].csv' - <list
	[[ $stderr == "5 filled, "*"; 0 were there; 5 not wanted" ]]
	[ "$(ffs-cache --list --json | jq -r .key | tr '\n' ' ')" = \
		'd/1/00000.csv d/1/00001.csv d/1/00002.csv d/1/00003.csv d/1/00004.csv ' ]
	stat_is .refused.denied 5
}

@test "limits are kept in the cache, and what is larger is refused" {
	start_objects a
	ffs-cache --size 2k --min-free 3 --stat >stat
	run -1 --separate-stderr ffs-cache s3://bkt/a
	[[ ${stderr_lines[0]} == "ffs-cache: cannot cache 's3://bkt/a': it is larger than the cache" ||
		${stderr_lines[0]} == *"larger than the cache" ]]
	stat_is .refused.large 1
	stat_is .limit_bytes 2048
	stat_is .min_free_pc 3
}

@test "a cache that cannot be made or written says so" {
	start_dataset
	: >file
	run -1 --separate-stderr ffs-cache --dir "$PWD/file" d
	[ "$stderr" = "ffs-cache: cannot open the cache '$PWD/file': Not a directory" ]
	run -3 --separate-stderr ffs-cache --dir "$PWD/none/none" --list
	if [ "$(id -u)" -eq 0 ]; then
		# Root writes wherever it likes but on a file system that is read-only.
		ffs-cache --dir "$PWD/cache" --size 1g --stat >stat
		run -4 --separate-stderr unshare --mount sh -c 'mount --bind cache cache &&
			mount -o remount,bind,ro cache && exec ffs-cache --dir "$PWD/cache" d'
	else
		mkdir -m 555 cache
		run -4 --separate-stderr ffs-cache --dir "$PWD/cache" d
	fi
	[ "$stderr" = "ffs-cache: the cache '$PWD/cache' cannot be written" ]
}

@test "output that nobody takes ends it" {
	start_dataset
	run -1 --separate-stderr bash -c 'ffs-cache -q --json d >/dev/full'
	ffs-cache -q d
	run -1 --separate-stderr bash -c 'ffs-cache --list >/dev/full'
	run -1 --separate-stderr bash -c 'ffs-cache --stat >/dev/full'
	ffs-cache --clear >/dev/null
	run -0 --separate-stderr bash -c 'ffs-cache -v d | true; exit 0'
	only_right
}

@test "a bad command line is a usage error" {
	usage_error ffs-cache --list --stat
	usage_error ffs-cache --stat x
	usage_error ffs-cache --verify x
	usage_error ffs-cache --clear x
	usage_error ffs-cache --evict
	usage_error ffs-cache --unpin
	usage_error ffs-cache --admit some
	usage_error ffs-cache --bwlimit 10
	usage_error ffs-cache --bwlimit 10megabit
	usage_error ffs-cache --size -1
	usage_error ffs-cache --min-free 100
	usage_error ffs-cache --readahead x
	usage_error ffs-cache -j 0
	usage_error ffs-cache --list --allow x
	usage_error ffs-cache --readahead 3 d
	usage_error ffs-cache --admit all d
	usage_error ffs-cache --progress=some d
}

@test "without maps of the kernel it says what to start" {
	export FFS_BPF_DIR=$PWD/none
	run -7 --separate-stderr ffs-cache
	[ -z "$output" ]
	[[ $stderr == *"start 'sudo ffs-hotmon'" ]]
}

lab_hot() {
	start_objects a b
	start_hotmon
	start_cache
	curl -sS -o one "$url/bkt/b"
	read_twice "$url/bkt/a"
	logged 1 '"type":"fill".*/bkt/a"'
	ffs-get --cache=only s3://bkt/a | cmp - a
	[ "$(ffs-cache --list --json | jq -r .key)" = a ]
	[ "$(counter requests_self)" -ge 1 ]
	[ "$(counter reads)" -eq 3 ]
	jq -e 'select(.type == "fill") | .bytes == 5002 and .hot_to_cached_us > 0' log
	stop "$cache_pid"
	[ "$status" -eq 0 ]
	jq -e 'select(.type == "end") | .hot == 1 and .fills == 1' log
}

@test "an object that curl reads twice is hot, and in the cache" {
	in_lab -n 1 lab_hot
}

# pass: a dataset of 40 chunks, twice what there is room for; sets hits and misses.
pass() {
	local before
	before=$(ffs-cache --stat --json | jq '.hits, .misses')
	ffs-get "$1" | cmp - "$1.csv"
	read -r hits misses < <(ffs-cache --stat --json |
		jq -r --argjson b "[${before/$'\n'/,}]" '"\(.hits - $b[0]) \(.misses - $b[1])"')
}

# settled: what is hot was filled or refused.
settled() {
	[ "$(grep -cE '"type":"(fill|refuse)"' log)" -ge "$1" ]
}

lab_cyclic() {
	local name i
	start_node
	for name in d e; do
		seq -f "%.0f,$name,abcdefghijklmnopqrstuvw" 1000001 1040000 >$name.csv
		ffs-split -n $name -r 1000 $name.csv | ffs-load -q
	done
	start_hotmon
	start_cache --size 700k
	for name in d e; do
		for i in 1 2; do pass $name; done
		[ "$misses" -eq 40 ]
		# Each of them was HOT once, and is not again for --rearm.
		until_true 20 settled $([ $name = d ] && echo 40 || echo 80)
		for i in 3 4 5; do
			pass $name
			[ "$hits" -ge 18 ] # 45 %
			[ $((hits + misses)) -eq 40 ]
		done
	done
	[ "$(ffs-cache --stat --json | jq '.bytes <= 700 * 1024')" = true ]
}

@test "passes over twice what there is room for hit half of it, when the kernel says what is hot" {
	in_lab -n 1 lab_cyclic
}

got_in() {
	pass e
	[ "$hits" -ge 18 ]
}

lab_beside() {
	local name
	start_node
	for name in d e; do
		seq -f "%.0f,$name,abcdefghijklmnopqrstuvw" 1000001 1040000 >$name.csv
		ffs-split -n $name -r 1000 $name.csv | ffs-load -q
	done
	start_hotmon --rearm 1
	start_cache --size 700k
	# The follower has seen an empty cache; another fills it.
	ffs-cache -q d 2>/dev/null || true
	until_true 30 got_in
}

@test "what others have filled makes room for what is hot" {
	in_lab -n 1 lab_beside
}

lab_invalidate() {
	start_objects a b
	start_hotmon
	start_cache
	read_twice "$url/bkt/a" "$url/bkt/b"
	logged 2 '"type":"fill"'
	curl -sS -T b "$url/bkt/a"
	logged 1 '"type":"drop".*/bkt/a"'
	until_true 10 stat_is .entries 1
	read_twice "$url/bkt/a"
	logged 3 '"type":"fill"'
	ffs-get --cache=only s3://bkt/a | cmp - b
	curl -sS -X DELETE "$url/bkt/a"
	logged 2 '"type":"drop".*/bkt/a"'
	curl -sS -X POST --data '<Delete><Object><Key>b</Key></Object></Delete>' -o /dev/null "$url/bkt?delete"
	logged 1 '"type":"drop".*/bkt/"'
	until_true 10 stat_is .entries 0
}

@test "what is written or deleted is dropped" {
	in_lab -n 1 lab_invalidate
}

lab_overwritten() {
	local i f
	start_objects a
	start_hotmon --hot 1 --rearm 1ms
	start_cache --admit all
	: >go
	while [ -e go ]; do curl -sS -o /dev/null "$url/bkt/a"; done &
	for ((i = 0; i < 60; i++)); do
		{ echo "$i"; head -c 20000 /dev/urandom; } >a
		curl -sS -T a "$url/bkt/a"
		for f in "$HOME"/.cache/ffs/v1/[0-9a-f][0-9a-f]/[0-9a-f]*; do
			cp "$f" copy 2>/dev/null || continue
			# The name may have a newer file by now: ask the copy's bytes and one file's ETag.
			exec 7<"$f" || continue
			sum=$(md5sum <&7 | cut -d' ' -f1)
			grep -qaF "etag=$sum " <(getfattr -d --absolute-names "/proc/self/fd/7" 2>/dev/null) ||
				{ getfattr -d "/proc/self/fd/7" >&2; echo "$sum" >&2; return 1; }
			exec 7<&-
		done
	done
	rm go
	wait $!
	read_twice "$url/bkt/a"
	same() { ffs-get --cache=only s3://bkt/a 2>/dev/null | cmp -s - a; }
	until_true 20 same
	stop "$cache_pid"
	only_right
}

@test "an object that is overwritten all the time never gives old bytes for a new ETag" {
	in_lab -n 1 lab_overwritten
}

lab_restart() {
	start_dataset
	start_hotmon
	start_cache
	ffs-get --presign --list d | xargs -n 1 curl -sS -f -o /dev/null
	ffs-get --presign --list d | xargs -n 1 curl -sS -f -o /dev/null
	logged 10 '"type":"fill"'
	stop "$cache_pid"
	stat_is .entries 10
	start_cache
	stat_is .entries 10
	stop "$cache_pid"
	[ "$(grep -c '"type":"fill"' log)" -eq 10 ]
	only_right
}

@test "a restart keeps everything and fetches nothing" {
	in_lab -n 1 lab_restart
}

lab_kill() {
	local round
	start_dataset
	"$FFS_TEST_BUILD/testdata/lobster-gen" -r 9200 -l 20 -s 7 -t E >names
	ffs-split -r 100 -n e "$(head -1 names)" | ffs-load -q 2>/dev/null
	start_hotmon
	ffs-get --presign --list e >urls
	xargs -n 1 curl -sS -f -o /dev/null <urls
	xargs -n 1 curl -sS -f -o /dev/null <urls
	: >log
	for round in 3 17 30 45 60 80; do
		ffs-cache --json -j 8 --bwlimit 3m >>log 2>cache.log &
		cache_pid=$!
		pids+=("$cache_pid")
		logged "$round" '"type":"fill"'
		kill -KILL "$cache_pid"
		wait "$cache_pid" 2>/dev/null || true
	done
	start_cache
	until_true 30 stat_is .entries 92
	tidy() { [ -z "$(find "$HOME/.cache/ffs/v1" -name '.?*' -type f)" ]; }
	until_true 20 tidy
	stop "$cache_pid"
	only_right
	ffs-get e >out
	cmp out "$(head -1 names)"
	stat_is .hits 92
}

@test "kill -9 at any point of 92 fills leaves nothing wrong and nothing behind" {
	in_lab -n 1 lab_kill
}

lab_hotmon_restart() {
	start_objects a b c
	start_hotmon
	start_cache
	read_twice "$url/bkt/a"
	logged 1 '"type":"fill"'
	stop "$hotmon_pid"
	until_true 20 grep -q 'ffs-hotmon has gone' cache.log
	start_hotmon
	until_true 20 grep -q 'ffs-hotmon is back' cache.log
	read_twice "$url/bkt/b"
	logged 2 '"type":"fill"'
	# The connection to the store was made under the programs before.
	[ "$(counter requests_self)" -eq 1 ]
	[ "$(counter reads)" -eq 2 ]
	stop "$hotmon_pid" KILL
	start_hotmon
	read_twice "$url/bkt/c"
	logged 3 '"type":"fill"'
}

@test "ffs-hotmon may be started anew" {
	in_lab -n 1 lab_hotmon_restart
}

lab_lost() {
	local i
	start_objects $(seq -f o%03g 120)
	start_hotmon --ring-size 4k
	start_cache
	kill -STOP "$cache_pid"
	for ((i = 1; i <= 120; i++)); do
		printf 'url = "%s/bkt/o%03d"\noutput = /dev/null\n' "$url" "$i"
	done >list
	curl -sS -K list
	curl -sS -K list
	[ "$(counter ring_full)" -gt 0 ]
	kill -CONT "$cache_pid"
	logged 120 '"type":"fill"'
	stat_is .entries 120
}

@test "events that did not fit into the ring are found in the table" {
	in_lab -n 1 lab_lost
}

lab_refused() {
	start_objects a ab b v large
	head -c 20000 /dev/zero >large
	curl -sS -T large "$url/bkt/large"
	ffs-node --serve ./other --listen 127.0.0.1:0 --fsync=never --anonymous >other.url 2>other.log &
	pids+=("$!")
	until_true 20 test -s other.url
	other=$(cat other.url)
	curl -sS -X PUT "$other/bkt" -o /dev/null
	curl -sS -T a "$other/bkt/a"
	ffs-hotmon -v --cgroup "$FFS_LAB_CGROUP" --ports "${url##*:},${other##*:}" >hot 2>hotmon.log &
	pids+=("$!")
	until_true 20 grep -q 'attached to lo' hotmon.log
	start_cache --allow 'bkt/a*' --allow bkt/large --allow bkt/v --deny 'bkt/ab' --size 15000
	read_twice "$url/bkt/b" "$url/bkt/ab" "$url/bkt/large" "$other/bkt/a" "$url/bkt/v?versionId=null" "$url/bkt/a"
	logged 1 '"type":"fill".*/bkt/a"'
	logged 2 '"reason":"denied"'
	logged 1 '"reason":"large"'
	logged 1 '"reason":"unknown"'
	stat_is .entries 1
	stat_is .refused.denied 2
	stat_is .refused.large 1
	stat_is .refused.unknown 1
	stat_is .refused.version 1
	# A second one has nothing to follow.
	run -1 --separate-stderr ffs-cache
	[ "${#stderr_lines[@]}" -eq 1 ]
	[[ $stderr == "ffs-cache: another ffs-cache follows and evicts in "* ]]
	run -1 --separate-stderr ffs-cache --dir "$PWD/another"
	[ "${#stderr_lines[@]}" -eq 1 ]
	[[ $stderr == "ffs-cache: another ffs-cache follows the ring"* ]]
}

@test "every refusal has its reason, and a second follower is refused" {
	in_lab -n 1 lab_refused
}

lab_readahead() {
	start_dataset
	start_hotmon
	start_cache --readahead 3
	ffs-get --presign --list --chunks 5 d >one
	read_twice "$(cat one)"
	logged 4 '"type":"fill"'
	[ "$(ffs-cache --list --json | jq -r .key | tr '\n' ' ')" = "d/1/00005.csv d/1/00006.csv d/1/00007.csv d/1/00008.csv " ]
	# At the end there is less to come.
	ffs-get --presign --list --chunks 9 d >last
	read_twice "$(cat last)"
	logged 5 '"type":"fill"'
	ffs-get --presign --message --list --chunks 0 d >message
	read_twice "$(cat message)"
	logged 9 '"type":"fill"'
	[ "$(ffs-cache --list --json | jq -r .key | grep -c message)" -eq 4 ]
}

@test "with a hot chunk come the next ones of its dataset" {
	in_lab -n 1 lab_readahead
}

lab_all() {
	start_objects a b
	start_hotmon --hot 100
	start_cache --admit all
	curl -sS -o one "$url/bkt/a"
	logged 1 '"type":"fill".*/bkt/a"'
	stat_is .entries 1
}

@test "with --admit all the first read that is seen is enough" {
	in_lab -n 1 lab_all
}

lab_zstd() {
	start_dataset --zstd
	start_hotmon
	start_cache
	ffs-get --presign --list d >urls
	read_twice $(cat urls)
	logged 10 '"type":"fill"'
	[ "$(ffs-cache --list --json | jq -r 'select(.decoded).key' | sort -u | wc -l)" -eq 10 ]
	ffs-get d >out
	cmp out book.csv
	stat_is .hits 10
	only_right
}

@test "chunks that are stored compressed are kept plain" {
	in_lab -n 1 lab_zstd
}

lab_running() {
	start_objects a b
	head -c 1000000 /dev/urandom >big
	curl -sS -T big "$url/bkt/big"
	start_hotmon
	start_cache --bwlimit 50k
	read_twice "$url/bkt/big"
	filling() { [ -n "$(find "$HOME/.cache/ffs/v1" -name '.?*' -type f -size +1k)" ]; }
	idle() { [ -z "$(find "$HOME/.cache/ffs/v1" -name '.?*' -type f)" ]; }
	until_true 20 filling
	head -c 3000 /dev/urandom >big
	curl -sS -T big "$url/bkt/big"
	logged 1 '"reason":"changed"'
	until_true 10 idle
	stat_is .entries 0
	read_twice "$url/bkt/big"
	logged 1 '"type":"fill".*/bkt/big"'
	ffs-get --cache=only s3://bkt/big | cmp - big
	# Told to end in the middle of one.
	head -c 1000000 /dev/urandom >big2
	curl -sS -T big2 "$url/bkt/big2"
	read_twice "$url/bkt/big2"
	until_true 20 filling
	stop "$cache_pid"
	[ "$status" -eq 0 ]
	idle
	stat_is .entries 1
}

@test "a write or a signal ends a fill that is running" {
	in_lab -n 1 lab_running
}

lab_stale() {
	start_objects a b
	start_hotmon --rearm 1ms
	read_twice "$url/bkt/a" "$url/bkt/b"
	# A write takes the mark of being hot away.
	curl -sS -T a "$url/bkt/b"
	start_cache
	logged 1 '/bkt/b","reason":"stale"'
	logged 1 '"type":"fill".*/bkt/a"'
	stat_is .refused.stale 1
	# Not of an event of just now: how long that took says nothing.
	run -0 jq -e 'select(.type == "fill" and (.url | endswith("/a"))) | has("hot_to_cached_us") | not' log
}

@test "an event that is too old counts only where the object is hot still" {
	in_lab -n 1 lab_stale
}

lab_user() {
	local dir=$PWD
	while [ "$dir" != / ] && [ "$(stat -c %u "$dir")" -eq 0 ] && [ "$dir" != /tmp ]; do
		chmod a+x "$dir"
		dir=$(dirname "$dir")
	done
	setpriv --reuid 65534 --regid 65534 --clear-groups test -r . || chmod a+rx .
	start_objects a
	mkdir cache
	chown 65534:65534 cache
	export SUDO_UID=65534 SUDO_GID=65534 SUDO_USER=nobody FFS_CACHE=$PWD/cache
	start_hotmon
	start_cache
	[[ $(grep '^Uid:' "/proc/$cache_pid/status") == $'Uid:\t65534\t65534\t65534\t65534' ]]
	[[ $(grep '^CapEff:' "/proc/$cache_pid/status") == *$'\t0000000000000000' ]]
	read_twice "$url/bkt/a"
	logged 1 '"type":"fill"'
	[ "$(counter requests_self)" -ge 1 ]
	[ -z "$(find cache ! -user 65534)" ]
	stop "$cache_pid"
	# Without sudo, as that user.
	unset SUDO_UID SUDO_GID SUDO_USER
	setpriv --reuid 65534 --regid 65534 --clear-groups env HOME="$PWD" ffs-cache --evict 'bkt/*'
	[ -z "$(find cache ! -user 65534)" ]
}

@test "it needs no root, and behind sudo it is the user" {
	in_lab -n 1 lab_user
}

lab_nodes() {
	local b
	start_objects a
	ffs-node --serve ./other --listen 127.0.0.1:0 --fsync=never --anonymous >other.url 2>other.log &
	pids+=("$!")
	until_true 20 test -s other.url
	other=$(cat other.url)
	curl -sS -X PUT "$other/bkt" -o /dev/null
	curl -sS -T a "$other/bkt/a"
	printf 'one %s\ntwo %s\n' "$url" "$other" >nodes
	unset AWS_ENDPOINT_URL
	export FFS_NODES=$PWD/nodes
	"$FFS_TEST_BUILD/testdata/lobster-gen" -r 1000 -l 5 >names
	ffs-split -r 100 -n d "$(head -1 names)" | ffs-load -q 2>/dev/null
	ffs-hotmon -v --cgroup "$FFS_LAB_CGROUP" >hot 2>hotmon.log &
	pids+=("$!")
	until_true 20 grep -q 'attached to lo' hotmon.log
	start_cache
	read_twice "$other/bkt/a"
	logged 1 "\"type\":\"fill\".*$other/bkt/a"
	# One entry, by the first node's name, whoever has it.
	[ "$(ffs-cache --list --json | jq -r .url)" = "$url/bkt/a" ]
	read_twice "$url/bkt/a"
	ffs-get --presign --list d >urls
	grep -q "^$other/" urls
	read_twice $(cat urls)
	logged 11 '"type":"fill"'
	ffs-get d | cmp - "$(head -1 names)"
	stat_is .hits 10
	# Written on one node, dropped.
	curl -sS -T names "$other/bkt/a"
	logged 1 '"type":"drop".*/bkt/a"'
	ffs-cache -q "$other/bkt/a"
	ffs-get --cache=only s3://bkt/a | cmp - names
	# An object that one node has only.
	curl -sS -T names "$other/bkt/only"
	ffs-cache -q s3://bkt/only
	run -3 --separate-stderr ffs-cache "$url/bkt/nowhere"
	run -3 --separate-stderr ffs-cache s3://bkt/nowhere
}

@test "objects of several nodes are one entry, filled from the node that is read" {
	in_lab -n 1 lab_nodes
}

lab_removed() {
	start_objects a b
	start_hotmon
	start_cache
	read_twice "$url/bkt/a"
	logged 1 '"type":"fill"'
	rm -rf "$HOME/.cache/ffs"
	until_true 20 grep -q 'making it anew' cache.log
	logged 2 '"type":"fill"' # what is hot still
	read_twice "$url/bkt/b"
	logged 3 '"type":"fill"'
	stop "$cache_pid"
	stat_is .entries 2
	only_right
}

@test "a cache that is removed is made anew" {
	in_lab -n 1 lab_removed
}

lab_output() {
	local status=0
	start_objects a b c
	start_hotmon
	{
		ffs-cache --json 2>cache.log || echo "$?" >status
	} | head -n 1 >first &
	pids+=("$!")
	until_true 20 test -e "$HOME/.cache/ffs/table"
	read_twice "$url/bkt/a"
	until_true 20 test -s first
	read_twice "$url/bkt/b" "$url/bkt/c"
	until_true 20 test -s status
	[ "$(cat status)" -eq 141 ]
	only_right
	ffs-cache --json >/dev/full 2>cache.log &
	cache_pid=$!
	pids+=("$cache_pid")
	ffs-cache --clear >cleared
	read_twice "$url/bkt/a" "$url/bkt/b" "$url/bkt/c"
	wait "$cache_pid" || status=$?
	[ "$status" -eq 1 ]
	only_right
}

@test "a follower whose output nobody takes ends, and leaves nothing" {
	in_lab -n 1 lab_output
}

lab_reload() {
	start_dataset
	ffs-cache -q d
	start_hotmon
	start_cache
	tac book.csv >book2.csv
	ffs-split -r 1000 -n d book2.csv | ffs-load -q --replace 2>/dev/null
	logged 1 '"type":"drop".*/ffs/d/manifest.json"'
	ffs-get d | cmp - book2.csv
	ffs-get d | cmp - book2.csv
	logged 10 '"type":"fill".*/ffs/d/2/'
	ffs-get --cache=only d | cmp - book2.csv
	ffs-get --cache=only d@1 | cmp - book.csv || ffs-get d@1 | cmp - book.csv
	only_right
}

@test "a dataset that is loaded anew is read anew, and its new chunks become hot" {
	in_lab -n 1 lab_reload
}

@test "where a copy is gone or wrong, another node's is taken" {
	local key
	start_objects a
	ffs-node --serve ./other --listen 127.0.0.1:0 --fsync=never --anonymous >other.url 2>other.log 3>&- &
	pids+=("$!")
	until_true 20 test -s other.url
	other=$(cat other.url)
	printf 'one %s\n' "$url" >nodes
	unset AWS_ENDPOINT_URL
	export FFS_NODES=$PWD/nodes
	"$FFS_TEST_BUILD/testdata/lobster-gen" -r 300 -l 5 >names
	ffs-split -r 100 -n d "$(head -1 names)" | ffs-load -q 2>/dev/null
	printf 'two %s\n' "$other" >>nodes
	curl -sS -X PUT "$other/ffs" -o /dev/null
	curl -sS "$url/ffs/d/manifest.json" |
		jq -c '.chunks[] |= (.nodes = ["one", "two"] | .etags += .etags)' >manifest
	for key in d/manifest.json d/1/manifest.json; do
		curl -sS -T manifest "$url/ffs/$key"
		curl -sS -T manifest "$other/ffs/$key"
	done
	for key in d/1/00000.csv d/1/00001.csv d/1/00002.csv; do
		curl -sS -o chunk "$url/ffs/$key"
		curl -sS -T chunk "$other/ffs/$key"
	done
	curl -sS -X DELETE "$url/ffs/d/1/00000.csv"
	curl -sS -T names "$url/ffs/d/1/00001.csv"
	ffs-cache -q --json d >fills
	[ "$(jq -r .url fills | sort)" = "$(printf '%s\n' "$other/ffs/d/1/00000.csv" "$other/ffs/d/1/00001.csv" "$url/ffs/d/1/00002.csv" | sort)" ]
	# Named at one, that is asked first.
	ffs-cache --clear
	ffs-cache -q --json "$other/ffs/d/1/00002.csv" | grep -qF "$other/"
	ffs-cache -q d
	ffs-get --cache=only d | cmp - "$(head -1 names)"
	# Neither has it.
	ffs-cache --clear
	curl -sS -X DELETE "$other/ffs/d/1/00000.csv"
	run -3 --separate-stderr ffs-cache "$url/ffs/d/1/00000.csv"
}

lab_aws() {
	start_dataset
	own_keys
	export AWS_DEFAULT_REGION=us-east-1 AWS_EC2_METADATA_DISABLED=true
	start_hotmon
	start_cache
	head -c 3000000 /dev/urandom >big
	"$1" s3 cp --only-show-errors big s3://ffs/big
	"$1" s3 cp --only-show-errors s3://ffs/big one
	"$1" s3 cp --only-show-errors s3://ffs/big two
	logged 1 '"type":"fill".*/ffs/big"'
	ffs-get --cache=only s3://ffs/big | cmp - big
	# In parts: the last request is a POST.
	head -c 9000000 /dev/urandom >big
	"$1" s3 cp --only-show-errors big s3://ffs/big
	logged 1 '"type":"drop".*/ffs/big"'
	"$1" s3 cp --only-show-errors s3://ffs/big one
	"$1" s3 cp --only-show-errors s3://ffs/big two
	logged 2 '"type":"fill".*/ffs/big"'
	ffs-get --cache=only s3://ffs/big | cmp - big
	"$1" s3 rm --quiet s3://ffs/big
	logged 2 '"type":"drop".*/ffs/big"'
	only_right
}

@test "what aws reads is cached, and what it writes, in parts too, or deletes is dropped" {
	peer aws
	in_lab -n 1 lab_aws "$peer"
}

lab_piped() {
	start_objects a b c
	start_hotmon
	read_twice "$url/bkt/a" "$url/bkt/b"
	curl -sS -o one "$url/bkt/c"
	ffs-hotmon --once --json >table
	ffs-cache -q - <table
	stat_is .entries 3
	# Beside a follower, as they come; neither's requests are reads.
	ffs-cache --clear
	start_cache --deny 'bkt/*'
	mkfifo pipe
	ffs-cache --json - <pipe >piped 2>piped.log &
	pids+=("$!")
	exec 8>pipe
	ffs-hotmon -v --json >&8 2>live.log 8>&- &
	live=$!
	pids+=("$live")
	exec 8>&-
	# What was hot before it looked is no news to it.
	until_true 20 grep -q 'loaded by another' live.log
	until_true 20 grep -q . hot
	read_more() {
		curl -sS -o one "$url/bkt/c"
		grep -q '"type":"fill".*/bkt/c"' piped
	}
	until_true 20 read_more
	kill "$live"
	wait "$live" || true
	wait "${pids[-2]}"
	[ "$(counter requests_self)" -ge 4 ]
	[ "$(ffs-cache --list --json | jq -r .key | sort -u | tr -d '\n')" = c ]
}

@test "the lines of ffs-hotmon fill, beside a follower and without one" {
	in_lab -n 1 lab_piped
}
