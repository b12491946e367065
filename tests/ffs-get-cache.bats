# ffs-get with the cache: what is read from it, what is kept, and that no wrong byte comes of it.
load helper.bash

# book [OPTION...]: dataset "d" of a LOBSTER pair, ten chunks with messages; sets book and message.
book() {
	"$FFS_TEST_BUILD/testdata/lobster-gen" -r 1000 -l 5 -s 3 -t TEST -d 2012-06-21 -C . >/dev/null
	book=$(echo TEST_*_orderbook_*.csv)
	message=$(echo TEST_*_message_*.csv)
	ffs-split -n d -r 100 -m "$message" "$book" | ffs-load -q "$@"
}

# big NAME [OPTION...]: one chunk of 24 MB in big.csv.
big() {
	local name=$1
	shift
	[ -e big.csv ] || seq -f '%.0f,abcdefghijklmnopqrstuvwxyz' 1000001 1700000 >big.csv
	ffs-split -n "$name" -r 10000000 --time-col 1 big.csv | ffs-load -q "$@"
}

# entry KEY: the file in the cache that is the object of this key in any bucket.
entry() {
	local f
	for f in "$HOME"/.cache/ffs/v1/*/*; do
		if [[ $(getfattr --only-values -n user.ffs.object "$f" 2>/dev/null) == *" key=$1" ]]; then
			echo "$f"
			return 0
		fi
	done
	return 1
}

# spoil FILE AT: another byte there.
spoil() {
	printf '\376' | dd of="$1" bs=1 seek="$2" conv=notrunc status=none
}

# sources ARG...: how often each source was used to read that; the bytes go to ./got.
sources() {
	ffs-get --time-each --json "$@" 2>each.err >got
	jq -r .source each.err | sort | uniq -c | awk '{ print $2 "=" $1 }' | paste -sd ' '
}

requests() {
	wc -l <requests
}

# stat_of NAME: a count of ffs-cache --stat.
stat_of() {
	ffs-cache --stat --json | jq ".$1"
}

# --- the command line ---

@test "bad modes, ages and checks are named, with status 2" {
	usage_error ffs-get --cache=always d
	[[ $why == "bad value 'always', want auto, fill, only, bypass or refresh" ]]
	usage_error ffs-get --max-age -1 d
	[[ $why == "bad value '-1', want 0 to 366 days"* ]]
	usage_error ffs-get --verify=maybe d
	[[ $why == "bad value 'maybe', want once, full, sample or never" ]]
	usage_error ffs-get --link d
	usage_error ffs-get --link -C out --fsync d
	usage_error ffs-get --link -C out --cache=bypass d
	usage_error ffs-get --cache=only 'd*'
	[[ $why == *"only a store knows"* ]]
	usage_error ffs-get --list --cache=only
}

# --- modes ---

@test "auto makes no cache, and reads one that is there" {
	start_node
	book
	ffs-get d | cmp - "$book"
	[ ! -e "$HOME/.cache/ffs" ]
	ffs-get --cache=fill d | cmp - "$book"
	[ "$(sources d)" = hit=10 ]
	cmp got "$book"
	[ "$(sources --cache=auto d@1)" = hit=10 ]
	cmp got "$book"
}

@test "bypass neither reads nor fills, refresh reads from the store and fills" {
	start_node
	book
	[ "$(sources --cache=bypass d)" = origin=10 ]
	[ ! -e "$HOME/.cache/ffs" ]
	[ "$(sources --cache=refresh d)" = origin=10 ]
	cmp got "$book"
	[ "$(sources --cache=refresh d)" = origin=10 ]
	[ "$(sources --cache=bypass d)" = origin=10 ]
	[ "$(sources --cache=only d)" = hit=10 ]
	cmp got "$book"
}

@test "auto leaves filling to ffs-cache, but keeps the manifest" {
	start_node
	book
	ffs-get --cache=fill --chunks 0-1 d >/dev/null
	[ "$(sources d)" = "hit=2 origin=8" ]
	[ "$(sources d)" = "hit=2 origin=8" ]
	[ "$(sources --cache=fill d)" = "hit=2 origin=8" ]
	[ "$(sources d)" = hit=10 ]
	cmp got "$book"
}

@test "only: what is missing ends it with status 3 and is named" {
	start_node
	book
	run -3 --separate-stderr ffs-get --cache=only d
	[[ ${stderr_lines[0]} == *"cannot open the cache '$HOME/.cache/ffs'"* ]]
	[ "${#stderr_lines[@]}" -eq 1 ]
	ffs-get --cache=fill --chunks 0-3 d >/dev/null
	run -3 --separate-stderr ffs-get --cache=only e
	[ "$stderr" = "ffs-get: cannot read dataset 'e': its manifest is not in the cache" ]
	[ -z "$output" ]
	ffs-get --cache=only d >got 2>err && false
	[ "$(cat err)" = "ffs-get: cannot read 's3://ffs/d/1/00004.csv': it is not in the cache" ]
	cmp got <(head -n 400 "$book")
	run -3 --separate-stderr ffs-get --cache=only s3://ffs/d/1/00009.csv
	[ "$stderr" = "ffs-get: cannot read 's3://ffs/d/1/00009.csv': it is not in the cache" ]
	run -3 --separate-stderr ffs-get --cache=only -o out --continue s3://ffs/d/1/00009.csv
	[ ! -e out ]
	# With -C the others are still given.
	run -3 ffs-get --cache=only -C out d
	[ "$(find out -type f | wc -l)" -eq 4 ]
	run -3 --separate-stderr ffs-get --cache=only d@7
	[[ $stderr == *"its manifest is not in the cache" ]]
}

@test "a run whose chunks are cached asks the primary once, or not at all" {
	start_node
	book
	proxy
	ffs-get --cache=fill d >/dev/null
	: >requests
	ffs-get d | cmp - "$book"
	[ "$(requests)" -eq 1 ]
	grep -q '^GET /ffs/d/manifest.json' requests
	: >requests
	ffs-get --max-age 1h d | cmp - "$book"
	ffs-get --cache=only d | cmp - "$book"
	printf 'd rows 5-104\nd rows 205-304\n' | ffs-get --cache=only --batch | cmp - <(sed -n '6,105p;206,305p' "$book")
	[ "$(requests)" -eq 0 ]
	ffs-get --cache=fill d@1 >/dev/null
	: >requests
	ffs-get d@1 | cmp - "$book"
	[ "$(requests)" -eq 0 ]
}

@test "not one packet is sent, nor a connection tried, when all is cached" {
	need_root
	start_node
	book
	ffs-get --cache=fill d >/dev/null
	ffs-get --cache=fill d@1 >/dev/null
	cat >all.sh <<-'E'
		set -e
		ip link set lo up
		# What the kernel sends by itself when an interface comes up is no business of ours.
		before=$(grep lo: /proc/net/dev) tcp=$(awk '$1 == "Tcp:" { print $6 }' /proc/net/snmp | tail -1)
		ffs-get d@1 >one
		ffs-get --max-age 1h d >two
		ffs-get --cache=only --rows 50-149 d >three
		ffs-get --cache=only --message d >four
		[ "$(grep lo: /proc/net/dev)" = "$before" ]
		# Active opens: also one that is refused is one.
		[ "$(awk '$1 == "Tcp:" { print $6 }' /proc/net/snmp | tail -1)" = "$tcp" ]
		# And the instrument works.
		! FFS_RETRIES=0 ffs-get --cache=bypass d >/dev/null 2>&1
		[ "$(awk '$1 == "Tcp:" { print $6 }' /proc/net/snmp | tail -1)" != "$tcp" ]
	E
	ffs-get --cache=fill --message d >/dev/null
	unshare --net bash all.sh
	cmp one "$book"
	cmp two "$book"
	cmp three <(sed -n 51,150p "$book")
	cmp four "$message"
}

# --- coherence ---

@test "a new generation is read as soon as it is published, the old one stays readable" {
	start_node
	book
	cp "$book" old.csv
	ffs-get --cache=fill d >/dev/null
	ffs-get --cache=fill d@1 >/dev/null
	tac old.csv >new.csv
	ffs-split -n d -r 100 new.csv | ffs-load -q --replace
	ffs-get d | cmp - new.csv
	[ "$(sources --cache=fill d)" = origin=10 ]
	cmp got new.csv
	ffs-get --cache=only d | cmp - new.csv
	ffs-get d@1 | cmp - old.csv
	ffs-get --cache=only d@1 | cmp - old.csv
}

@test "inside --max-age an old manifest is used; what it names and is gone is explained" {
	start_node
	book
	ffs-get --cache=fill --chunks 0 d >/dev/null
	tac "$book" >new.csv
	ffs-split -n d -r 100 new.csv | ffs-load -q --replace
	ffs-get --max-age 1h --chunks 0 d | cmp - <(head -n 100 "$book")
	ffs-load -q --prune d --keep 1 2>/dev/null || rm -r store/ffs/d/1
	run -3 --separate-stderr ffs-get --max-age 1h --chunks 1 d
	[[ $stderr == *"--cache=refresh asks for a newer one" ]]
	ffs-get --cache=refresh --max-age 1h d | cmp - new.csv
	ffs-get --cache=only d | cmp - new.csv
}

@test "a raw object is confirmed by a request without a body, inside --max-age by none" {
	start_node
	book
	ffs-get s3://ffs/d/1/00003.csv >want
	proxy
	ffs-get --cache=fill s3://ffs/d/1/00003.csv | cmp - want
	: >requests
	[ "$(sources s3://ffs/d/1/00003.csv)" = hit=1 ]
	cmp got want
	[ "$(requests)" -eq 1 ]
	ffs-get --max-age 1h s3://ffs/d/1/00003.csv | cmp - want
	ffs-get --cache=only s3://ffs/d/1/00003.csv | cmp - want
	[ "$(requests)" -eq 1 ]
	# The same object by its dataset, without another copy.
	[ "$(sources --chunks 3 d)" = hit=1 ]
	cmp got want
}

@test "an object that is overwritten is never given with old bytes" {
	start_node
	book
	mkdir -p store/ffs/o
	echo one >store/ffs/o/x
	ffs-get --cache=fill s3://ffs/o/x >got
	echo two >store/ffs/o/y
	mv store/ffs/o/y store/ffs/o/x
	[ "$(ffs-get s3://ffs/o/x)" = two ]
	# auto did not keep it; within an age, as promised, the old one.
	[ "$(ffs-get --cache=only s3://ffs/o/x)" = one ]
	[ "$(ffs-get --cache=fill s3://ffs/o/x)" = two ]
	[ "$(ffs-get --cache=only s3://ffs/o/x)" = two ]
	# One without bytes, which has no range.
	: >store/ffs/o/y
	mv store/ffs/o/y store/ffs/o/x
	for mode in fill auto only; do
		ffs-get --cache=$mode s3://ffs/o/x >got
		[ ! -s got ]
	done
	[ "$(sources s3://ffs/o/x)" = hit=1 ]
	rm store/ffs/o/x
	run -3 ffs-get s3://ffs/o/x
	run -3 ffs-get --cache=only s3://ffs/o/x
	# A chunk that changed behind its manifest's back is refused, whatever the cache had of it.
	ffs-get --cache=fill --chunks 2 d >/dev/null
	printf x >>store/ffs/d/1/00002.csv
	rm "$(entry d/1/00002.csv)"
	run -6 ffs-get --cache=fill --chunks 2 d
	run -1 entry d/1/00002.csv
}

@test "copies on several nodes are one object, and the first node's" {
	start_node
	book
	mkdir b
	cp -a store b/store
	ffs-node --serve b/store --listen 127.0.0.1:0 --fsync=never >b.url 2>b.log 3>&- &
	pids+=("$!")
	until_true 20 test -s b.url
	printf 'a %s\nb %s\n' "$url" "$(cat b.url)" >nodes
	export FFS_NODES=$PWD/nodes
	unset AWS_ENDPOINT_URL
	# Copies may have other ETags, as after a multipart upload.
	for f in store b/store; do
		jq -c '.chunks[] |= (.nodes = ["b", "a"] | .etags = [.etags[0], "0000"] |
			.message.etags = [.message.etags[0], "0000"])' "$f/ffs/d/manifest.json" >m
		rm "$f/ffs/d/manifest.json"
		cp m "$f/ffs/d/manifest.json"
	done
	[ "$(sources --cache=fill d)" = origin=10 ]
	[[ $(getfattr --only-values -n user.ffs.object "$(entry d/1/00003.csv)") == *" endpoint=$url "* ]]
	[ "$(sources d)" = hit=10 ]
	cmp got "$book"
	# The same by whatever copy's ETag, and in the other order of the manifest.
	jq -c '.chunks[] |= (.nodes |= reverse | .etags |= reverse | .message.etags |= reverse)' m >store/ffs/d/manifest.new
	mv store/ffs/d/manifest.new store/ffs/d/manifest.json
	[ "$(sources d)" = hit=10 ]
	# The primary is away: the manifest comes from the other node, chunks still from the cache.
	kill "$node_pid"
	FFS_RETRIES=0 ffs-get --time-each d 2>err | cmp - "$book"
	grep -q "manifest of 'd' from node 'b'" err
	[ "$(grep -c 'hit$' err)" -eq 10 ]
	[ "$(sources --cache=only d)" = hit=10 ]
}

# --- what is read from it ---

@test "rows, times, chunks, messages and batches are the same from the cache, plain and zstd" {
	start_node
	book
	ffs-split -n z -r 100 -m "$message" "$book" | ffs-load -q -z
	cat >lines <<-E
		d rows 5-6
		d rows 95-104
		d chunks 3
		d time 09:31..09:40
		d message rows 7-8

		d rows 5-6
		d
		d rows 300-399
		d rows 301-302
	E
	sed 's/^d/z/' lines >zlines
	for d in d z; do
		[ $d = d ] && lines=lines || lines=zlines
		ffs-get --rows 95-304 $d >rows
		ffs-get --time 09:31..09:35 $d >time
		ffs-get --time 09:31..09:35 --message $d >messages
		ffs-get --batch <$lines >batch
		[ -s rows ] && [ -s time ] && [ -s messages ] && [ -s batch ]
		ffs-get --cache=fill $d >/dev/null
		ffs-get --cache=fill --message $d >/dev/null
		for verify in once full sample never; do
			ffs-get --verify=$verify --cache=only --rows 95-304 $d | cmp - rows
			ffs-get --verify=$verify --cache=only --time 09:31..09:35 $d | cmp - time
			ffs-get --verify=$verify --cache=only --time 09:31..09:35 --message $d | cmp - messages
			ffs-get --verify=$verify --cache=only --batch <$lines | cmp - batch
		done
		[ "$(sources --rows 95-304 $d)" = hit=4 ]
		cmp got rows
	done
	# A zstd chunk is kept plain, but who asks for the object gets what the store has.
	ffs-get s3://ffs/z/1/00000.csv.zst | cmp - store/ffs/z/1/00000.csv.zst
	run -3 ffs-get --cache=only s3://ffs/z/1/00000.csv.zst
}

@test "hits and misses in any mixture, through a slow pipe, in files and in batches" {
	start_node
	book
	RANDOM=7
	for _ in {1..5}; do
		rm -rf "$HOME"/.cache/ffs/v1/??
		for chunk in {0..9}; do
			((RANDOM % 2)) || ffs-get --cache=fill --chunks "$chunk" d >/dev/null
			((RANDOM % 5)) || spoil "$(entry "d/1/0000$chunk.csv" || echo /dev/null)" $((RANDOM % 1000))
		done
		rm -f lines want
		for _ in {1..30}; do
			a=$((RANDOM % 900)) b=$((RANDOM % 100))
			if ((RANDOM % 6)); then
				echo "d rows $a-$((a + b))" >>lines
				sed -n "$((a + 1)),$((a + b + 1))p" "$book" >>want
			else
				echo "d chunks $((a / 100))" >>lines
				sed -n "$((a / 100 * 100 + 1)),$((a / 100 * 100 + 100))p" "$book" >>want
			fi
		done
		modes=(auto fill auto)
		ffs-get --batch "--cache=${modes[RANDOM % 3]}" <lines | cmp - want
		ffs-get d d d | dd bs=777 status=none | cmp - <(cat "$book" "$book" "$book")
		rm -rf out
		ffs-get -C out d
		cat out/d/*.csv | cmp - "$book"
	done
}

@test "a header is written once, and is in every file" {
	start_node
	awk 'BEGIN { print "time,n"; for (i = 0; i < 300; i++) print i ".5," i }' >t.csv
	ffs-split -n t -r 100 --header --time-col 1 t.csv | ffs-load -q
	ffs-split -n u -r 100 --header --time-col 1 t.csv | ffs-load -q
	ffs-get -C want t
	ffs-get --cache=fill t >/dev/null
	ffs-get --cache=fill --chunks 1 u >/dev/null
	ffs-get --cache=only t | cmp - t.csv
	ffs-get --cache=only --rows 150-250 t | cmp - <(sed -n '1p;152,252p' t.csv)
	ffs-get t u | cmp - <(cat t.csv; tail -n +2 t.csv)
	ffs-get --cache=only -C got t
	diff -r want got
	sed 's/,/;/' t.csv >v.csv
	ffs-split -n v -r 100 --header --time-col 1 -d ';' v.csv | ffs-load -q
	ffs-get --cache=fill v >/dev/null
	run -1 --separate-stderr ffs-get --cache=only t v
	[[ $stderr == *"dataset 'v': its header row is not that of the output so far" ]]
}

@test "large chunks and objects are kept, and serve ranges" {
	start_node
	big b
	big z -z
	for d in b z; do
		ffs-get --cache=fill "$d" | cmp - big.csv
		[ "$(sources --cache=only "$d")" = hit=1 ]
		cmp got big.csv
		ffs-get --cache=only --rows 300000-300009 "$d" | cmp - <(sed -n 300001,300010p big.csv)
		ffs-get --cache=only --time 1500000..1500003 "$d" | cmp - <(sed -n 500000,500002p big.csv)
	done
	# A raw object, from the middle on: what --continue left is followed by the rest, from the cache.
	ffs-get --cache=only s3://ffs/b/1/00000.csv | cmp - big.csv
	ffs-get --cache=only -o out s3://ffs/b/1/00000.csv
	cmp out big.csv
	proxy GET b/1/00000 1 - GET b/1/00000 1 - GET b/1/00000 1 - GET b/1/00000 1 - GET b/1/00000 1 503
	ffs-get --cache=fill s3://ffs/b/1/00000.csv | cmp - big.csv
	FFS_RETRIES=0 run -5 ffs-get --cache=bypass -o part --continue -j 1 s3://ffs/b/1/00000.csv
	have=$(stat -c %s .part.*.ffs-part)
	[ "$have" -gt 0 ] && [ "$have" -lt "$(stat -c %s big.csv)" ]
	: >requests
	ffs-get --max-age 1h -o part --continue s3://ffs/b/1/00000.csv
	cmp part big.csv
	[ "$(requests)" -eq 0 ]
}

@test "--time-each says hit, origin or memory" {
	start_node
	book
	ffs-get --cache=fill --chunks 0 d >/dev/null
	ffs-get --time-each --chunks 0-1 d 2>err >/dev/null
	sort err >sorted
	run -0 cut -f 1,5 sorted
	[ "${lines[0]}" = "d/1/00000.csv	hit" ]
	[ "${lines[1]}" = "d/1/00001.csv	origin local" ]
	printf 'd rows 1-2\nd rows 3-4\n' | ffs-get --time-each --batch 2>err >/dev/null
	[ "$(cut -f 5 err | paste -sd ' ')" = "hit memory" ]
	ffs-get --time-each --json --chunks 0 d 2>err >/dev/null
	# Noted: a miss that was filled (the manifest is the other fill), a miss that was not, and hits;
	# what is in memory needs no cache.
	[ "$(stat_of hits)" -eq 3 ]
	[ "$(stat_of hit_bytes)" -eq $((3 * $(stat -c %s store/ffs/d/1/00000.csv))) ]
	[ "$(stat_of misses)" -eq 2 ]
	[ "$(stat_of fills)" -eq 2 ]
	jq -e '.source == "hit" and .key == "d/1/00000.csv" and .bytes > 0 and .total_ms >= .first_byte_ms and .node == null' err
}

# --- what is wrong in it ---

@test "wrong bytes are replaced by right ones, silently" {
	start_node
	book
	ffs-get --cache=fill d >/dev/null
	for way in '' --rows=0-999 -C; do
		# Not read since it was filled; read since; written to in both cases.
		spoil "$(entry d/1/00004.csv)" 77
		if [ "$way" = -C ]; then
			ffs-get -C out d 2>err
			cat out/d/*.csv >got
		else
			ffs-get $way d >got 2>err
		fi
		[ ! -s err ]
		cmp got "$book"
		cmp "$(entry d/1/00004.csv)" store/ffs/d/1/00004.csv
		[ "$(sources --cache=only d)" = hit=10 ]
		cmp got "$book"
	done
	[ "$(stat_of damaged)" -eq 3 ]
	printf 'd rows 1-2\n' >line
	spoil "$(entry d/1/00000.csv)" 3
	ffs-get --batch <line | cmp - <(sed -n 2,3p "$book")
	[ "$(stat_of damaged)" -eq 4 ]
	spoil "$(entry d/manifest.json)" 300
	ffs-get d | cmp - "$book"
	ffs-get --cache=only d | cmp - "$book"
}

@test "with only, wrong bytes are status 6, and none of them is given" {
	start_node
	book
	ffs-get --cache=fill d >/dev/null
	spoil "$(entry d/1/00000.csv)" 77
	run -6 --separate-stderr ffs-get --cache=only d
	[ -z "$output" ]
	[ "$stderr" = "ffs-get: cannot read 's3://ffs/d/1/00000.csv': wrong bytes in the cache" ]
	# It is gone then.
	run -3 ffs-get --cache=only d
	ffs-get --cache=fill d | cmp - "$book"
	spoil "$(entry d/manifest.json)" 300
	run -6 --separate-stderr ffs-get --cache=only d
	[ "$stderr" = "ffs-get: cannot read dataset 'd': wrong bytes in the cache" ]
}

@test "a large chunk with a wrong byte at its end is noticed before the first byte goes out" {
	start_node
	big b
	ffs-get --cache=fill b >/dev/null
	spoil "$(entry b/1/00000.csv)" $(($(stat -c %s big.csv) - 2))
	run -6 --separate-stderr ffs-get --cache=only b
	[ -z "$output" ]
	ffs-get --cache=fill b | cmp - big.csv
	spoil "$(entry b/1/00000.csv)" 20000000
	ffs-get b | cmp - big.csv
	[ "$(sources --cache=only --rows 0-1 b)" = hit=1 ]
	spoil "$(entry b/1/00000.csv)" 20000000
	ffs-get --cache=fill s3://ffs/b/1/00000.csv | cmp - big.csv
	cmp "$(entry b/1/00000.csv)" big.csv
}

@test "truncated and longer files, and ones without attributes, are misses" {
	start_node
	book
	ffs-get --cache=fill d >/dev/null
	truncate -s -1 "$(entry d/1/00001.csv)"
	truncate -s 0 "$(entry d/1/00002.csv)"
	echo >>"$(entry d/1/00003.csv)"
	f=$(entry d/1/00004.csv)
	chmod u+w "$f"
	setfattr -x user.ffs.object "$f"
	g=$(entry d/1/00005.csv)
	chmod u+w "$g"
	setfattr -n user.ffs.object -v nonsense "$g"
	rm "$(entry d/1/00006.csv)"
	mkdir "$HOME/x"
	h=$(entry d/1/00007.csv)
	rm "$h"
	mkfifo "$h"
	i=$(entry d/1/00008.csv)
	rm "$i"
	ln -s /etc/passwd "$i"
	[ "$(sources d)" = "hit=2 origin=8" ]
	cmp got "$book"
	[ "$(sources --cache=fill d)" = "hit=2 origin=8" ]
	cmp got "$book"
	[ "$(sources --cache=only d)" = hit=10 ]
	cmp got "$book"
}

@test "verify: once trusts what was read since it was last written, full and sample do not" {
	start_node
	book
	ffs-get --cache=fill d >/dev/null
	f=$(entry d/1/00000.csv)
	ffs-get --cache=only --chunks 0 d | cmp - "$f"
	# A byte changes without a trace, as on a bad disk: the attribute holds for this time.
	was=$(stat -c %y "$f")
	spoil "$f" 77
	touch -d "$was" "$f"
	run -0 ffs-get --verify=never --cache=only --chunks 0 d
	run -0 ffs-get --cache=only --chunks 0 d
	# But not after the machine has started anew.
	cp -a "$f" kept
	verified=$(getfattr --only-values -n user.ffs.verified "$f")
	chmod u+w "$f" && setfattr -n user.ffs.verified -v "x${verified:1}" "$f" && chmod u-w "$f"
	run -6 ffs-get --cache=only --chunks 0 d
	run -3 ffs-get --cache=only --chunks 0 d
	mv kept "$f"
	run -0 ffs-get --cache=only --chunks 0 d
	run -6 ffs-get --verify=full --cache=only --chunks 0 d
	ffs-get --cache=fill --chunks 0 d | cmp - store/ffs/d/1/00000.csv
	ffs-get --cache=only --chunks 0 d >/dev/null
	f=$(entry d/1/00000.csv)
	was=$(stat -c %y "$f")
	spoil "$f" 77
	touch -d "$was" "$f"
	seen=
	for _ in {1..400}; do
		ffs-get --verify=sample --cache=only --chunks 0 d >/dev/null 2>&1 || { seen=1; break; }
	done
	[ -n "$seen" ]
}

@test "files that go away while they are read change nothing" {
	start_node
	book
	ffs-get --cache=fill d >/dev/null
	mkfifo slow
	cat "$book" "$book" "$book" "$book" "$book" "$book" "$book" "$book" >want
	ffs-get --cache=fill d d d d d d d d >slow &
	get=$!
	exec 4<slow
	find "$HOME/.cache/ffs/v1/" -type f -delete
	cat <&4 >got
	exec 4<&-
	wait "$get"
	cmp got want
	ffs-get --cache=fill d | cmp - "$book"
}

@test "two readers, a filler and an evictor at once: every byte is right" {
	start_node
	book
	ffs-get --cache=fill d >/dev/null
	(
		until [ -e done ]; do
			for f in "$HOME"/.cache/ffs/v1/??/*; do
				[ -e done ] || rm -f "$f"
			done
		done
	) &
	evictor=$!
	for who in a b c; do
		(for _ in {1..12}; do ffs-get --cache=fill d 2>>"$who.err" | cmp - "$book" || touch wrong; done) &
		readers[${#readers[@]}]=$!
	done
	for pid in "${readers[@]}"; do wait "$pid"; done
	touch done
	wait "$evictor"
	[ ! -e wrong ]
	cat ./*.err
	[ ! -s a.err ] && [ ! -s b.err ] && [ ! -s c.err ]
}

@test "kill -9 during a fill leaves nothing that is ever served" {
	start_node
	book
	for i in {1..15}; do
		rm -rf "$HOME/.cache/ffs"
		ffs-get --cache=fill d d d >/dev/null 2>&1 &
		pid=$!
		for ((n = 0; n < i * 50; n++)); do :; done
		kill -KILL "$pid" 2>/dev/null || true
		wait "$pid" || true
		ffs-get d | cmp - "$book"
		ffs-get --cache=fill d | cmp - "$book"
		ffs-get --cache=only d | cmp - "$book"
	done
}

# --- --link ---

@test "--link: files of the cache under other names, for plain, zstd and large chunks" {
	start_node
	book
	big b
	ffs-split -n z -r 100 "$book" | ffs-load -q -z
	ffs-get --cache=fill --chunks 0-4 d >/dev/null
	ffs-get -C out --link d z b
	cat out/d/*.csv | cmp - "$book"
	cat out/z/*.csv | cmp - "$book"
	cmp out/b/00000.csv big.csv
	for f in d/00000 d/00009 z/00005 b/00000; do
		[ "$(stat -c %h "out/$f.csv")" -eq 2 ]
	done
	[ "out/d/00007.csv" -ef "$(entry d/1/00007.csv)" ]
	[ "$(sources --cache=only d)" = hit=10 ]
	# Eviction takes nothing from it; once more replaces it.
	find "$HOME/.cache/ffs/v1/" -type f -delete
	cat out/d/*.csv | cmp - "$book"
	ffs-get -C out --link d
	cat out/d/*.csv | cmp - "$book"
	[ "out/d/00007.csv" -ef "$(entry d/1/00007.csv)" ]
	ffs-get -C out --link d
	[ "$(find out/d | wc -l)" -eq 11 ]
	# Wrong bytes are not linked.
	cp out/d/00007.csv right
	spoil "$(entry d/1/00007.csv)" 5
	ffs-get -C out --link d
	cmp out/d/00007.csv right
	# Parts of chunks are files of their own.
	ffs-get -C parts --link --rows 150-160 d
	cmp parts/d/00001.csv <(sed -n 151,161p "$book")
	[ "$(stat -c %h parts/d/00001.csv)" -eq 1 ]
}

@test "--link across file systems copies" {
	start_node
	book
	out=$(mktemp -d /dev/shm/ffs.XXXXXX)
	[ "$(stat -c %d "$out")" != "$(stat -c %d "$HOME")" ] || may_skip "one file system only"
	ffs-get -C "$out" --link d
	cat "$out"/d/*.csv >got
	rm -r "$out"
	cmp got "$book"
	[ "$(sources --cache=only d)" = hit=10 ]
}

# --- when there is trouble ---

@test "a cache that cannot be used is none: said at -v, and by those who asked for it" {
	start_node
	book
	touch notdir
	export FFS_CACHE=$PWD/notdir
	ffs-get d 2>err | cmp - "$book"
	[ ! -s err ]
	ffs-get -v d 2>err | cmp - "$book"
	grep -q "cannot open the cache '$PWD/notdir': Not a directory" err
	ffs-get --cache=fill d 2>err | cmp - "$book"
	[ "$(grep -c "cannot .* the cache '$PWD/notdir'" err)" -eq 1 ]
	ffs-get -q --cache=fill d 2>err | cmp - "$book"
	[ ! -s err ]
	run -1 --separate-stderr ffs-get --cache=only d
	[[ $stderr == *"cannot open the cache '$PWD/notdir'"* ]]
}

@test "a directory without user attributes is refused by name, and read around" {
	need_root
	start_node
	book
	cat >ramfs.sh <<-'E'
		set -e
		mkdir ram
		mount -t ramfs none ram
		export FFS_CACHE=$PWD/ram/cache
		ffs-get --cache=fill d >got 2>err
	E
	unshare --mount bash ramfs.sh
	cmp got "$book"
	grep -q "user extended attributes" err
}

@test "a cache that cannot be written is read, and fill says why it does not" {
	need_root
	start_node
	book
	ffs-get --cache=fill --chunks 0-4 d >/dev/null
	cat >ro.sh <<-'E'
		set -e
		mount --bind "$HOME/.cache/ffs" "$HOME/.cache/ffs"
		mount -o remount,ro,bind "$HOME/.cache/ffs"
		ffs-get --time-each --json d 2>auto.err >auto
		ffs-get --cache=fill d 2>fill.err >fill
		ffs-get --cache=only --chunks 0-4 d >only
	E
	unshare --mount bash ro.sh
	[ "$(jq -r .source auto.err | sort | uniq -c | awk '{ print $2 $1 }' | paste -sd ' ')" = "hit5 origin5" ]
	cmp auto "$book"
	cmp fill "$book"
	[ "$(wc -l <fill.err)" -eq 1 ]
	grep -q "cannot keep 's3://ffs/d/1/0000.*' in the cache: the directory cannot be written" fill.err
	cmp only <(head -n 500 "$book")
}

@test "a full disk is no trouble for who reads" {
	need_root
	start_node
	book
	cat >full.sh <<-'E'
		set -e
		mkdir small
		mount -t tmpfs -o size=300k none small
		export FFS_CACHE=$PWD/small/cache
		ffs-get --cache=fill d >one 2>err
		ffs-get --cache=fill d >two 2>>err
		ffs-get d >three 2>>err
	E
	unshare --mount bash full.sh
	cmp one "$book"
	cmp two "$book"
	cmp three "$book"
}

@test "an output that cannot be written is status 1, a closed pipe ends it silently" {
	start_node
	book
	ffs-get --cache=fill d >/dev/null
	run -1 --separate-stderr bash -c 'ffs-get --cache=only d >/dev/full'
	[[ $stderr == *"No space left on device" ]]
	run -1 --separate-stderr bash -c 'ffs-get --cache=only d >&-'
	run -0 --separate-stderr bash -c 'ffs-get --cache=only d d d d | head -n 1; exit "${PIPESTATUS[1]}"'
	[ "${#lines[@]}" -eq 1 ]
	[ -z "$stderr" ]
	run -0 --separate-stderr bash -c 'ffs-get --verify=full --cache=only d d d d | head -n 1; exit "${PIPESTATUS[1]}"'
	[ "${#lines[@]}" -eq 1 ]
	ffs-get --cache=only d >app
	ffs-get --cache=only d >>app
	cmp app <(cat "$book" "$book")
	ffs-get --cache=only -o out d
	cmp out "$book"
}
