# ffs-load: upload chunks to the nodes, then publish the manifest.
load helper.bash

# chunks DIR N: DIR/00000.csv ... of 10 rows of 3 columns.
chunks() {
	mkdir -p "$1"
	local i
	for ((i = 0; i < $2; i++)); do
		seq -f "$i,%g,$RANDOM" 1 10 >"$1/$(printf %05d "$i").csv"
	done
}

# pack DIR...: a tar stream of them, in order.
pack() {
	tar --sort=name -cf - "$@"
}

# book N: a dataset "book" of N chunks, ./book and ./book.tar.
book() {
	chunks book "$1"
	pack book >book.tar
}

# The bytes of a dataset that a store directory holds, by its manifest.
stored() {
	local dir=${2-store}/ffs key
	jq -r '.chunks[].key' "$dir/$1/manifest.json" | while read -r key; do
		case $key in
		*.zst) zstd -dcq "$dir/$key" ;;
		*) cat "$dir/$key" ;;
		esac
	done
}

same() {
	cat "$2"/*[0-9].csv | cmp - <(stored "$1" "${3-store}")
}

# Objects in the store, without the temporary ones.
objects() {
	find "${1-store}" -path '*/.ffs*' -prune -o -type f -print | sort
}

nothing_left() {
	run -0 objects
	[ -z "$output" ]
}

# start_load OPTION...: a load in the background, its output in ./out and ./err, stdin from ./book.tar.
start_load() {
	# (A shell's background jobs ignore Ctrl-C.)
	env --default-signal=INT ffs-load "$@" <book.tar >out 2>err 3>&- &
	load_pid=$!
	pids+=("$load_pid")
}

# ended PID STATUS
ended() {
	local rc=0
	wait "$1" || rc=$?
	[ "$rc" -eq "$2" ] || { echo "status $rc, not $2"; cat err; return 1; }
}

@test "without arguments it refuses to read a terminal" {
	need_cmd script
	run -2 script -qec "ffs-load" /dev/null </dev/null
	[[ ${lines[0]} == "ffs-load: stdin is a terminal"* ]]
	[ "${#lines[@]}" -eq 2 ]
}

@test "--help fits a screen and goes to stdout, --version says the version" {
	run -0 --separate-stderr ffs-load --help
	[ "${#lines[@]}" -le 24 ]
	[ -z "$stderr" ]
	run -0 ffs-load -V
	[[ $output == "ffs-load "* ]]
}

@test "bad options and values are usage errors" {
	local args
	for args in --nonsense "-j 0" "-j x" "-j 257" "-n a@1" "-n a//b" -z0 -z99 -zx --progress=bar \
		"--prune a*" "--delete a@0" "--delete a@x" "--prune a --delete b" "--prune a file"; do
		# shellcheck disable=SC2086
		usage_error ffs-load $args </dev/null
	done
}

@test "a stream of chunks is stored and named by a manifest" {
	start_node
	book 7
	run -0 --separate-stderr ffs-load <book.tar
	[ -z "$output" ]
	[[ $stderr == "book: 7 chunks, 70 rows, "*"generation 1" ]]
	same book book
	run -0 jq -c '[.version,.dataset,.generation,.rows,.columns,.header,.chunk_rows,(.chunks|length)]' \
		store/ffs/book/manifest.json
	[ "$output" = '[1,"book",1,70,3,false,10,7]' ]
	run -0 jq -r '.chunks[3]|"\(.key) \(.first_row) \(.rows) \(.nodes[0]) \(.encoding)"' store/ffs/book/manifest.json
	[ "$output" = "book/1/00003.csv 30 10 local identity" ]
	cmp store/ffs/book/manifest.json store/ffs/book/1/manifest.json
	[ ! -e store/ffs/book/1/.claim ]
}

@test "what ffs-split says in attributes is in the manifest" {
	start_node
	chunks in 4
	cat in/* >book.csv
	ffs-split -q -r 10 -n attr book.csv >book.tar
	run -0 ffs-load -q book.tar
	same attr in
	run -0 jq -c '[.rows,.columns,.chunk_rows,.chunks[2].first_row]' store/ffs/attr/manifest.json
	[ "$output" = '[40,3,10,20]' ]
}

@test "what ffs-split gave up half-way is not published" {
	start_node
	{
		seq -f '%g,1' 1 100
		echo 1
	} >book.csv
	run -1 --separate-stderr bash -c 'set -o pipefail; ffs-split -q -r 10 book.csv | ffs-load'
	[[ $stderr == *ffs-load:* ]]
	nothing_left
}

@test "files that ffs-split -C wrote keep their header and times" {
	start_node
	{
		echo time,x
		seq -f '34200.%g,1' 1 8
	} >book.csv
	ffs-split -q -r 4 --header --time-col 1 -C out book.csv
	getfattr -n user.ffs.rows out/book/00000.csv >/dev/null || need "needs user xattrs"
	run -0 ffs-load -q -n book out/book/*.csv
	run -0 jq -c '[.rows,.header,.header_bytes,.time_col,.chunks[1].time]' store/ffs/book/manifest.json
	[ "$output" = '[8,true,7,1,["34200.5","34200.8"]]' ]
	ffs-get book | cmp - book.csv
}

@test "a delimiter is kept, counts columns, and is the same in all chunks" {
	start_node
	printf '1;a,b\n2;c\n' >x.csv
	ffs-split -q -r 1 -d ';' x.csv | ffs-load -q
	run -0 jq -c '[.columns,.delimiter]' store/ffs/x/manifest.json
	[ "$output" = '[2,";"]' ]
	ffs-split -q -r 1 -d ';' -n y -C out x.csv
	getfattr -n user.ffs.delimiter out/y/00000.csv >/dev/null || need "needs user xattrs"
	# Without these two attributes columns are counted.
	setfattr -x user.ffs.rows out/y/00000.csv
	setfattr -x user.ffs.columns out/y/00001.csv
	ffs-load -q -n y out/y/*.csv
	run -0 jq -c '[.rows,.columns,.delimiter]' store/ffs/y/manifest.json
	[ "$output" = '[2,2,";"]' ]
	setfattr -x user.ffs.delimiter out/y/00001.csv
	setfattr -n user.ffs.columns -v 2 out/y/00001.csv
	run -1 --separate-stderr ffs-load -q -n z out/y/*.csv
	[[ $stderr == *"another delimiter"* ]]
	local bad
	for bad in '"' ';;' 0x0a 0x00 0xa7 ''; do
		setfattr -n user.ffs.delimiter -v "$bad" out/y/00001.csv
		run -1 --separate-stderr ffs-load -q -n z out/y/*.csv
		[[ $stderr == *"attribute delimiter"* ]]
	done
	[ ! -e store/ffs/z/manifest.json ]
}

@test "tar's own formats and compressions are taken" {
	start_node
	book 3
	local format
	for format in gnu ustar posix v7; do
		tar --sort=name --format=$format -cf x.tar book
		run -0 ffs-load -q --replace x.tar
		same book book
	done
	for format in z j J --zstd; do
		tar --sort=name -c "${format/#[zjJ]/-&}" -f x.tar book
		run -0 ffs-load -q --replace <x.tar
		same book book
	done
}

@test "a tar with extended attributes that GNU tar packed keeps them" {
	start_node
	book 2
	setfattr -n user.ffs.crc32c -v 00000000 book/00001.csv || need "needs user xattrs"
	tar --sort=name --xattrs --xattrs-include='user.*' -cf x.tar book
	run -6 --separate-stderr ffs-load x.tar
	[[ $stderr == *"'book/00001.csv' is damaged"*"00000000"* ]]
	nothing_left
}

@test "files are chunks in the order given, and -n names their dataset" {
	start_node
	chunks in 3
	run -0 ffs-load -q -n mine in/00002.csv in/00000.csv in/00001.csv
	stored mine | cmp - <(cat in/00002.csv in/00000.csv in/00001.csv)
	run -0 ffs-load -q in/*.csv
	same in in
	run -0 ffs-load -q -n both "$PWD"/in/*.csv
	run -1 --separate-stderr ffs-load "$PWD"/in/*.csv
	[[ $stderr == *"is no name for a dataset: give one with -n"* ]]
}

@test "chunks without a directory need a name" {
	start_node
	book 2
	(cd book && tar --sort=name -cf ../flat.tar ./*.csv)
	run -1 --separate-stderr ffs-load <flat.tar
	[[ $stderr == *"does not name its dataset: give one with -n"* ]]
	run -0 ffs-load -q -n flat <flat.tar
	same flat book
}

@test "a stream of many datasets publishes each" {
	start_node
	chunks AAPL/2012-06-21 3
	chunks AAPL/2012-06-22 2
	chunks MSFT/2012-06-21 1
	pack AAPL MSFT >all.tar
	run -0 --separate-stderr ffs-load <all.tar
	[ "${#stderr_lines[@]}" -eq 4 ]
	[ "${stderr_lines[3]%, *}" = "3 datasets, 6 chunks" ]
	same AAPL/2012-06-21 AAPL/2012-06-21
	same AAPL/2012-06-22 AAPL/2012-06-22
	same MSFT/2012-06-21 MSFT/2012-06-21
}

@test "a dataset that comes back later in the stream is refused" {
	start_node
	chunks a 2
	chunks b 1
	tar -cf x.tar a/00000.csv b/00000.csv a/00001.csv
	run -1 --separate-stderr ffs-load <x.tar
	[[ $stderr == *"the chunks of 'a' are not together"* ]]
}

@test "chunks out of order, missing or twice are refused" {
	start_node
	book 4
	local names
	for names in "1 0" "0 2" "0 1 1" "0 1 3"; do
		# shellcheck disable=SC2086
		tar --hard-dereference -cf x.tar $(printf 'book/0000%d.csv ' $names)
		run -1 --separate-stderr ffs-load <x.tar
		[[ $stderr == *"missing or out of order"* ]]
		nothing_left
	done
}

@test "message chunks go with their book chunks and give the times" {
	start_node
	mkdir day
	seq -f '1,2,3,%g' 1 4 >day/00000.csv
	printf '34200.%d,1,2,3,4,5\n' 1 2 3 4 >day/00000.message.csv
	seq -f '1,2,3,%g' 5 6 >day/00001.csv
	printf '34201.%s,1,2,3,4,5\n' 000000000001 5 >day/00001.message.csv
	pack day >day.tar
	run -0 ffs-load -q day.tar
	run -0 jq -c '.chunks[]|[.rows,.time,.message.key]' store/ffs/day/manifest.json
	[ "${lines[0]}" = '[4,["34200.1","34200.4"],"day/1/00000.message.csv"]' ]
	[ "${lines[1]}" = '[2,["34201.000000000001","34201.5"],"day/1/00001.message.csv"]' ]
	cmp day/00001.message.csv store/ffs/day/1/00001.message.csv
	tar -cf x.tar day/00000.message.csv day/00000.csv
	run -1 --separate-stderr ffs-load -n other x.tar
	[[ $stderr == *"does not follow its chunk"* ]]
	tar -cf x.tar day/00000.csv day/00000.message.csv day/00001.csv
	run -1 --separate-stderr ffs-load -n other x.tar
	[[ $stderr == *"some have none"* ]]
	sed -i s/34201/34200/ day/00001.message.csv
	pack day >day.tar
	run -1 --separate-stderr ffs-load -n other day.tar
	[[ $stderr == *"time runs backwards"* ]]
	printf '34201.%s,1,2,3,4,5\n' 5 4 >day/00001.message.csv
	pack day >day.tar
	run -1 --separate-stderr ffs-load -n other day.tar
	[[ $stderr == *"'day/00001.message.csv': row 2: time runs backwards"* ]]
	printf '34201.%s,1,2,3,4,5\n' 5 6 7 >day/00001.message.csv
	pack day >day.tar
	run -1 --separate-stderr ffs-load -n other day.tar
	[[ $stderr == *"'day/00001.message.csv' has 3 rows, its chunk has 2"* ]]
	printf 'x,1,2,3,4,5\n' | tee day/00000.message.csv >day/00001.message.csv
	pack day >day.tar
	run -1 --separate-stderr ffs-load -n other day.tar
	[[ $stderr == *"'day/00000.message.csv' has 1 rows, its chunk has 4"* ]]
	[ ! -e store/ffs/other ]
}

@test "chunks with other columns, ragged rows or an open quote are refused and leave nothing" {
	start_node
	mkdir bad
	printf '1,2\n3,4\n' >bad/00000.csv
	printf '1,2,3\n' >bad/00001.csv
	pack bad >x.tar
	run -1 --separate-stderr ffs-load x.tar
	[[ $stderr == *"another number of columns"* ]]
	printf '1,2\n3,4' >bad/00000.csv
	printf '5,6\n' >bad/00001.csv
	pack bad >x.tar
	run -1 --separate-stderr ffs-load x.tar
	[[ $stderr == *"has no line end"* ]]
	printf '1,2\n3,4\n' >bad/00000.csv
	: >bad/00001.csv
	pack bad >x.tar
	run -1 --separate-stderr ffs-load x.tar
	[[ $stderr == *"it is empty"* ]]
	printf '1,2\n3\n' >bad/00001.csv
	pack bad >x.tar
	run -1 --separate-stderr ffs-load x.tar
	[[ $stderr == *"row 2 has not as many columns"* ]]
	printf '1,"2\n' >bad/00001.csv
	pack bad >x.tar
	run -1 --separate-stderr ffs-load x.tar
	[[ $stderr == *"a quote is open"* ]]
	nothing_left
}

@test "a stream cut off anywhere publishes nothing" {
	start_node
	book 3
	local size at
	size=$(stat -c %s book.tar)
	for at in 100 512 700 1024 1536 2048 3072 3584 4095; do
		[ "$at" -lt "$size" ]
		head -c "$at" book.tar >cut.tar
		run -1 --separate-stderr ffs-load <cut.tar
		[ -n "$stderr" ]
		nothing_left
	done
}

@test "of a stream that is cut off the datasets before the cut are published" {
	start_node
	chunks a 2
	chunks b 2
	pack a b | head -c 4096 >cut.tar
	run -1 --separate-stderr ffs-load <cut.tar
	[[ $stderr == *"cut off"* ]]
	same a a
	[ ! -e store/ffs/b ]
}

@test "an empty stream, no tar, an archive of nothing and a directory are refused" {
	start_node
	run -1 --separate-stderr ffs-load </dev/null
	[[ $stderr == *"'stdin' is empty"* ]]
	run -1 --separate-stderr ffs-load < <(echo 1,2,3)
	[[ $stderr == *"not a tar stream"* ]]
	tar -cf none.tar -T /dev/null
	run -1 --separate-stderr ffs-load none.tar
	[[ $stderr == *"no chunks"* ]]
	run -1 --separate-stderr ffs-load .
	[[ $stderr == *"is a directory"* ]]
	run -3 --separate-stderr ffs-load missing.tar
	[[ $stderr == *"No such file"* ]]
}

@test "links and devices in a tar are refused" {
	start_node
	mkdir book
	ln -s /etc/passwd book/00000.csv
	pack book >x.tar
	run -1 --separate-stderr ffs-load x.tar
	[[ $stderr == *"not a plain file"* ]]
}

@test "names that leave the dataset are refused" {
	start_node
	echo 1,2 >f.csv
	local name
	for name in ../x/f.csv /abs/f.csv 'a b/f.csv' '.hid/f.csv' 'a/7/f.csv' "$(printf 'a\nb/f.csv')"; do
		tar -cPf x.tar --transform="s|f.csv|$name|" f.csv
		run -1 --separate-stderr ffs-load x.tar
		[[ $stderr == *"no name for a dataset"* ]]
	done
	nothing_left
}

@test "a dataset that exists is refused, --replace publishes the next generation" {
	start_node
	book 3
	ffs-load -q book.tar
	run -1 --separate-stderr ffs-load book.tar
	[[ $stderr == *"'book' exists: --replace"* ]]
	chunks book 4
	pack book >book.tar
	run -0 ffs-load -q --replace book.tar
	same book book
	run -0 jq .generation store/ffs/book/manifest.json
	[ "$output" = 2 ]
	[ -e store/ffs/book/1/manifest.json ]
	[ -e store/ffs/book/1/00002.csv ]
}

@test "-z stores zstd frames with content size and checksum" {
	start_node
	book 3
	run -0 --separate-stderr ffs-load -z book.tar
	[[ $stderr == *"stored as"* ]]
	same book book
	run -0 jq -r '.chunks[1]|"\(.encoding) \(.plain_bytes) \(.bytes)"' store/ffs/book/manifest.json
	[ "$output" = "zstd $(stat -c '%s' book/00001.csv) $(stat -c %s store/ffs/book/1/00001.csv.zst)" ]
	run -0 zstd -lv store/ffs/book/1/00001.csv.zst
	[[ $output == *"Check: XXH64"* ]]
	[[ $output == *"Decompressed Size:"* ]]
	run -0 ffs-load -q -z19 --replace book.tar
	same book book
}

@test "--json gives a line per object and one per dataset" {
	start_node
	book 3
	run -0 --separate-stderr ffs-load --json -q book.tar
	[ "${#lines[@]}" -eq 4 ]
	run -0 jq -r '[.type,.key,.node,.bytes,.rows,.crc32c,.etag,.attempts,.reused]|@csv' <<<"${lines[0]}"
	[[ $output == '"chunk","book/1/0000'*',"local",'*',10,'*',1,false' ]]
	run -0 ffs-load --json -q --replace book.tar
	run -0 jq -r '[.type,.dataset,.generation,.chunks,.rows,.columns]|@csv' <<<"${lines[3]}"
	[ "$output" = '"dataset","book",2,3,30,3' ]
	"$FFS_TEST_BUILD/testdata/lobster-gen" -r 20 -l 1 -t T -d 2012-06-21 >/dev/null
	ffs-split -r 20 -n t -m T_*_message_1.csv T_*_orderbook_1.csv >t.tar
	run -0 --separate-stderr ffs-load --json -q t.tar
	[ "$(jq -r 'select(.type != "dataset") | .rows' <<<"$output")" = $'20\n20' ]
}

@test "--progress=line writes lines, -q is silent" {
	start_node
	book 2
	run -0 --separate-stderr ffs-load -q book.tar
	[ -z "$stderr$output" ]
	proxy PUT 00001.csv 1 gate
	start_load --replace --progress=line
	until_true 20 test -e gate.reached
	until_true 20 grep -q "chunks, .*MB/s" err
	touch gate.open
	ended "$load_pid" 0
}

@test "standard output that cannot be written is exit 1, but the load is done" {
	start_node
	book 2
	run -1 --separate-stderr bash -c 'ffs-load --json book.tar >/dev/full'
	[[ $stderr == *"No space left"* ]]
	same book book
}

@test "a reader of --json that goes away does not hurt the load" {
	start_node
	book 50
	run bash -c 'set -o pipefail; ffs-load --json -q book.tar | head -1'
	same book book
}

@test "unreachable stores are exit 5, and name the endpoint" {
	book 1
	export AWS_ACCESS_KEY_ID=a AWS_SECRET_ACCESS_KEY=b FFS_RETRIES=1
	run -5 --separate-stderr ffs-load --endpoint http://127.0.0.1:1 book.tar
	[[ $stderr == *"127.0.0.1:1"* ]]
}

@test "wrong credentials end at once with exit 4 and say where they came from" {
	start_node
	book 2
	proxy
	export AWS_SECRET_ACCESS_KEY=wrong
	run -4 --separate-stderr ffs-load book.tar
	[[ $stderr == *"$AWS_ENDPOINT_URL"*"AWS_ACCESS_KEY_ID"* ]]
	[[ $stderr != *wrong* ]]
	[ "$(wc -l <requests)" -eq 1 ]
}

@test "the store's own credentials win over an AWS profile" {
	start_node
	book 2
	mkdir -p "$HOME/.aws"
	printf '[default]\naws_access_key_id = other\naws_secret_access_key = other\n' >"$HOME/.aws/credentials"
	run -0 --separate-stderr ffs-load -v book.tar
	[[ $stderr == *"credentials from [$url]"* ]]
	same book book
}

@test "a clock that is an hour off is corrected by the store's" {
	need_cmd faketime
	start_node
	book 3
	export ASAN_OPTIONS=verify_asan_link_order=0
	run -0 faketime -f '+1h' ffs-load -q book.tar
	same book book
	run -0 faketime -f '-1h' ffs-load -q --replace book.tar
}

@test "503s are tried again until they end" {
	start_node
	book 5
	proxy PUT 'csv' 4 503
	run -0 --separate-stderr ffs-load book.tar
	same book book
	[ "$(grep -c 503 requests)" -eq 4 ]
}

@test "a store that stays busy is exit 5 and nothing is left" {
	start_node
	book 5
	proxy PUT '00003.csv' 99 503
	FFS_RETRIES=1 run -5 --separate-stderr ffs-load book.tar
	[[ $stderr == *"cannot put 'book/1/00003.csv'"*SlowDown* ]]
	nothing_left
}

@test "a connection lost in the middle is tried again" {
	start_node
	book 5
	proxy PUT '0000[13].csv' 2 close PUT '00002.csv' 1 lose
	run -0 ffs-load -q book.tar
	same book book
}

@test "a store that dies half-way is exit 5" {
	start_node
	book 5
	printf '#!/bin/sh\nkill -KILL %d\n' "$node_pid" >die
	chmod +x die
	proxy PUT '00002.csv' 1 run:./die
	FFS_RETRIES=1 run -5 --separate-stderr ffs-load -j 1 book.tar
	[[ $stderr == *"objects of 'book' are left (--prune removes them)"* ]]
	[ ! -e store/ffs/book/manifest.json ]
}

@test "a full disk at the store is exit 1 with the store's answer, and nothing is left" {
	need_root
	mkdir small
	unshare -m true 2>/dev/null || need "needs a mount namespace"
	local i
	mkdir big
	for i in 0 1 2 3 4 5; do
		seq -f "%g,1234567890,1234567890" 1 4000 >"big/0000$i.csv"
	done
	pack big >big.tar
	# the store alone sees the small filesystem: it ends with the store
	# shellcheck disable=SC2016
	unshare -m sh -c 'mount -t tmpfs -o size=400k none small && exec ffs-node --serve small \
		--listen 127.0.0.1:0 --fsync=never' >node.url 2>node.log 3>&- &
	pids+=("$!")
	until_true 20 test -s node.url || { cat node.log >&2; return 1; }
	AWS_ENDPOINT_URL=$(cat node.url)
	export AWS_ENDPOINT_URL
	FFS_RETRIES=1 run -1 --separate-stderr ffs-load big.tar
	[[ $stderr == *"cannot put 'big/1/0000"*"$AWS_ENDPOINT_URL"* ]]
	run -0 --separate-stderr objects "/proc/${pids[0]}/root$PWD/small"
	[ -z "$output" ]
}

@test "a load that is interrupted removes what it uploaded and ends by the signal" {
	start_node
	book 5
	local sig
	for sig in INT:130 TERM:143 HUP:129; do
		rm -f gate.*
		proxy PUT '00003.csv' 1 gate
		start_load -j 2
		until_true 20 test -e gate.reached
		kill -"${sig%:*}" "$load_pid"
		touch gate.open
		ended "$load_pid" "${sig#*:}"
		grep -q interrupted err
		nothing_left
	done
}

@test "a load in the background of a script, or behind nohup, goes on" {
	start_node
	book 5
	proxy PUT '00003.csv' 1 gate
	env --ignore-signal=INT,HUP ffs-load <book.tar >out 2>err 3>&- &
	load_pid=$!
	pids+=("$load_pid")
	until_true 20 test -e gate.reached
	kill -INT "$load_pid"
	kill -HUP "$load_pid"
	touch gate.open
	ended "$load_pid" 0
	same book book
}

@test "a second Ctrl-C ends a load at once" {
	start_node
	book 5
	proxy PUT '00003.csv' 1 gate DELETE . 99 gate
	start_load
	until_true 20 test -e gate.reached
	kill -INT "$load_pid"
	until_true 20 grep -q DELETE requests
	kill -INT "$load_pid"
	ended "$load_pid" 130
	touch gate.open
	[ -e store/ffs/book/1/.claim ]
}

@test "an interrupted load that kept its chunks is finished without sending one twice" {
	start_node
	book 6
	proxy PUT '00004.csv' 1 gate
	start_load --keep -j 1
	until_true 20 test -e gate.reached
	kill -TERM "$load_pid"
	touch gate.open
	ended "$load_pid" 143
	[ -e store/ffs/book/1/.claim ]
	[ ! -e store/ffs/book/manifest.json ]
	: >requests
	run -0 --separate-stderr ffs-load --json --resume book.tar
	[[ $stderr == *"objects were there"* ]]
	same book book
	[ "$(grep -c 'PUT .*/0000[0-3].csv' requests)" -eq 0 ]
	[ "$(grep -c 'PUT .*/00005.csv' requests)" -eq 1 ]
	run -0 jq -c .generation store/ffs/book/manifest.json
	[ "$output" = 1 ]
}

@test "--resume does not trust a chunk that has other bytes" {
	start_node
	book 3
	proxy PUT '00002.csv' 1 gate
	start_load --keep -j 1
	until_true 20 test -e gate.reached
	kill -TERM "$load_pid"
	touch gate.open
	ended "$load_pid" 143
	sed -i s/1/2/ book/00001.csv
	pack book >book.tar
	run -0 ffs-load -q --resume book.tar
	same book book
}

@test "--resume over a published dataset only compares" {
	start_node
	book 3
	ffs-load -q book.tar
	proxy
	run -0 --separate-stderr ffs-load --resume book.tar
	[[ $stderr == *"3 objects were there"* ]]
	[ "$(grep -c PUT requests)" -eq 0 ]
	sed -i s/1/2/ book/00001.csv
	pack book >book.tar
	run -1 --separate-stderr ffs-load --resume book.tar
	[[ $stderr == *"is published and differs from 'book/00001.csv'"* ]]
}

@test "a second load does not take over one that is running" {
	start_node
	book 3
	proxy PUT '00002.csv' 1 gate
	start_load
	until_true 20 test -e gate.reached
	run -1 --separate-stderr ffs-load --resume book.tar
	[[ $stderr == *"another load of 'book' is running"* ]]
	touch gate.open
	ended "$load_pid" 0
	same book book
}

@test "of two loads at once one publishes, the other says so and cleans up" {
	start_node
	book 3
	proxy PUT '00002.csv' 1 gate
	start_load
	until_true 20 test -e gate.reached
	mkdir mine
	cp -r book mine/
	run -0 ffs-load -q mine/book/*.csv -n book
	touch gate.open
	ended "$load_pid" 1
	grep -q "somebody else published" err
	same book book
	[ ! -e store/ffs/book/1/00000.csv ]
	[ ! -e store/ffs/book/1/.claim ]
	[ -e store/ffs/book/2/00002.csv ]
}

@test "the loser of two replacing loads cleans up" {
	start_node
	book 3
	ffs-load -q book.tar
	proxy PUT '00002.csv' 1 gate
	start_load --replace
	until_true 20 test -e gate.reached
	run -0 ffs-load -q --replace book.tar
	touch gate.open
	ended "$load_pid" 1
	grep -q "somebody else published" err
	run -0 jq .generation store/ffs/book/manifest.json
	[ "$output" = 3 ]
}

@test "a commit whose answer is lost is still a success" {
	start_node
	book 3
	proxy PUT 'book/manifest.json' 1 lose
	run -0 --separate-stderr ffs-load book.tar
	[[ $stderr == *"generation 1"* ]]
	same book book
}

@test "when nobody knows whether the commit came through nothing is removed" {
	start_node
	book 3
	proxy PUT 'book/manifest.json' 99 lose GET 'book/manifest.json' 99 close
	FFS_RETRIES=1 run -5 --separate-stderr ffs-load book.tar
	[[ $stderr == *"not known whether 'book' was published"* ]]
	same book book
}

@test "a claim whose answer is lost is still ours" {
	start_node
	book 3
	proxy PUT '.claim' 1 lose
	run -0 --separate-stderr ffs-load book.tar
	[[ $stderr == *"generation 1" ]]
	same book book
	[ ! -e store/ffs/book/1/.claim ]
}

@test "an unreachable store does not hold up Ctrl-C" {
	start_node
	book 3
	proxy GET 'list-type' 99 gate
	start_load
	until_true 20 test -e gate.reached
	kill -INT "$load_pid"
	ended "$load_pid" 130
	[ ! -e gate.open ]
	touch gate.open
	nothing_left
}

@test "kill -9 in mid-upload leaves no manifest, and --prune cleans up when the claim is old" {
	start_node
	book 4
	proxy PUT '00002.csv' 1 gate
	start_load
	until_true 20 test -e gate.reached
	kill -KILL "$load_pid"
	touch gate.open
	ended "$load_pid" 137
	[ ! -e store/ffs/book/manifest.json ]
	[ -e store/ffs/book/1/.claim ]
	run -0 --separate-stderr ffs-load --prune book
	[[ $stderr == *"left alone: its load is running"* ]]
	[ -e store/ffs/book/1/00000.csv ]
	touch -d '-2 min' store/ffs/book/1/.claim
	run -0 ffs-load --prune book
	nothing_left
}

@test "--resume finishes what a load left that was killed" {
	start_node
	book 4
	proxy PUT '00002.csv' 1 gate
	start_load -j 1
	until_true 20 test -e gate.reached
	kill -KILL "$load_pid"
	touch gate.open
	ended "$load_pid" 137
	touch -d '-2 min' store/ffs/book/1/.claim
	run -0 --separate-stderr ffs-load --resume book.tar
	[[ $stderr == *"objects were there, generation 1"* ]]
	same book book
}

@test "a store that returns no checksum is checked by its MD5 ETag" {
	start_node
	book 12
	proxy PUT 'csv' 99 nosum
	run -0 ffs-load -q -j 2 book.tar
	same book book
}

@test "an ETag that is not that of the bytes sent is tried once more, then exit 6" {
	start_node
	book 3
	proxy PUT '00001.csv' 1 etag
	run -0 ffs-load -q book.tar
	same book book
	[ "$(grep -c 'DELETE .*00001.csv' requests)" -eq 1 ]
	proxy PUT '00001.csv' 9 etag
	run -6 --separate-stderr ffs-load --replace book.tar
	[[ $stderr == *"00001.csv"*"other bytes than were sent"* ]]
	[ ! -e store/ffs/book/2 ]
}

@test "a store without conditional PUT is told of" {
	start_node
	book 2
	proxy PUT . 99 nocond
	run -0 --separate-stderr ffs-load book.tar
	[[ $stderr == *"knows no conditional PUT"* ]]
	same book book
}

@test "--prune keeps the published generation and removes older ones and stray chunks" {
	start_node
	book 3
	ffs-load -q book.tar
	ffs-load -q --replace book.tar
	echo stray >store/ffs/book/2/00099.csv
	chunks book/sub 1
	tar -cf sub.tar book/sub
	ffs-load -q sub.tar
	run -0 --separate-stderr ffs-load -v --prune book
	[ "${#lines[@]}" -eq 5 ]
	[[ $stderr == *"removed 5 objects"* ]]
	[ ! -e store/ffs/book/1/00000.csv ]
	[ ! -e store/ffs/book/2/00099.csv ]
	same book/sub book/sub
	run -0 jq -r '.chunks[].key' store/ffs/book/manifest.json
	[ "${lines[2]}" = book/2/00002.csv ]
	for key in "${lines[@]}"; do [ -e "store/ffs/$key" ]; done
	run -0 --separate-stderr ffs-load --json -q --prune book
	[ -z "$output" ]
}

@test "--prune that was ended half-way is no load to be resumed, and is finished by the next" {
	start_node
	book 4
	tar -cf cut.tar book/00000.csv book/00001.csv book/00003.csv
	run -1 ffs-load --keep cut.tar
	[ -e store/ffs/book/1/.claim ]
	proxy DELETE 00001.csv 1 gate
	ffs-load --prune book 2>err 3>&- &
	load_pid=$!
	pids+=("$load_pid")
	until_true 20 test -e gate.reached
	kill -KILL "$load_pid"
	touch gate.open
	ended "$load_pid" 137
	run -0 --separate-stderr ffs-load --resume book.tar
	[[ $stderr == *"generation 2" ]]
	same book book
	run -0 ffs-load --prune book
	[ ! -e store/ffs/book/1/.claim ]
	same book book
}

@test "--delete removes even what has no manifest that can be read" {
	start_node
	book 2
	ffs-load -q book.tar
	echo junk >store/ffs/book/manifest.json
	run -6 --separate-stderr ffs-load --prune book
	[[ $stderr == *"is no manifest"* ]]
	run -0 ffs-load --delete book
	nothing_left
}

@test "--delete removes manifests first and leaves other datasets" {
	start_node
	book 3
	chunks book/sub 1
	tar -cf sub.tar book/sub
	ffs-load -q book.tar
	ffs-load -q --replace book.tar
	ffs-load -q sub.tar
	run -1 --separate-stderr ffs-load --delete book@2
	[[ $stderr == *"is the published one"* ]]
	run -0 ffs-load -q --delete book@1
	[ ! -e store/ffs/book/1/00000.csv ]
	[ -e store/ffs/book/2/00000.csv ]
	run -3 --separate-stderr ffs-load --delete book@1
	[[ $stderr == *"no generation 1 of 'book'"* ]]
	run -0 --separate-stderr ffs-load --json -q --delete book
	run -0 jq -r '"\(.type) \(.key) \(.node)"' <<<"${lines[0]}"
	[ "$output" = "removed book/manifest.json local" ]
	run -0 objects
	[[ $output != *store/ffs/book/[12]/* ]]
	same book/sub book/sub
	run -3 --separate-stderr ffs-load --delete book
	[[ $stderr == *"no dataset 'book'"* ]]
	run -3 --separate-stderr ffs-load --prune nothing
}

@test "two nodes get contiguous shares, a known length by weight, and copies of the manifest" {
	start_node
	local first=$url
	book 9
	ffs-node --serve ./second --listen 127.0.0.1:0 --fsync=never >second.url 2>second.log 3>&- &
	pids+=("$!")
	until_true 20 test -s second.url
	printf 'a %s weight=2\nb %s\n' "$first" "$(cat second.url)" >nodes
	unset AWS_ENDPOINT_URL
	export FFS_NODES=$PWD/nodes
	run -0 ffs-load -q book/*.csv
	run -0 jq -r '[.chunks[].nodes[0]]|join("")' store/ffs/book/manifest.json
	[[ $output =~ ^a{6,7}b{2,3}$ ]]
	cmp store/ffs/book/manifest.json second/ffs/book/manifest.json
	cat store/ffs/book/1/*.csv second/ffs/book/1/*.csv | cmp - <(cat book/*.csv)
	run -0 ffs-load -q --replace book.tar
	run -0 jq -r '[.chunks[].nodes[0]]|join("")' store/ffs/book/manifest.json
	[ "$output" = aaaaaaaaa ]
	run -0 ffs-load -q --prune book
	[ ! -e second/ffs/book/1/00008.csv ]
	printf 'b %s\na %s\n' "$(cat second.url)" "$first" >nodes
	rm second/ffs/book/manifest.json
	run -1 --separate-stderr ffs-load --prune book
	[[ $stderr == *"is the node list right?"* ]]
	run -0 ffs-load -q --delete book
	[ -z "$(objects second)" ]
	nothing_left
}
