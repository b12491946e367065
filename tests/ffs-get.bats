# ffs-get: read datasets, parts of them, and objects.
load helper.bash

# book [ROWS [OPTION...]]: dataset "d" of a LOBSTER pair, 100 rows a chunk; sets book and message.
book() {
	"$FFS_TEST_BUILD/testdata/lobster-gen" -r "${1-1000}" -l 5 -s 3 -t TEST -d 2012-06-21 -C . >/dev/null
	book=$(echo TEST_*_orderbook_*.csv)
	message=$(echo TEST_*_message_*.csv)
	shift $(($# > 0))
	ffs-split -n d -r 100 -m "$message" "$book" | ffs-load -q "$@"
}

# table NAME [OPTION...]: dataset NAME with a header and times in column 1, which often repeat.
table() {
	awk 'BEGIN { print "time,n"; t = 50; for (i = 0; i < 300; i++) { if (i % 7 == 0) t++; print t ".5," i } }' >"$1.csv"
	ffs-split -n "$@" -r 100 --header --time-col 1 "$1.csv" | ffs-load -q
}

# big NAME [OPTION...]: one chunk of 24 MB.
big() {
	local name=$1
	shift
	seq -f '%.0f,abcdefghijklmnopqrstuvwxyz' 1000001 1700000 >big.csv
	ffs-split -n "$name" -r 10000000 --time-col 1 big.csv | ffs-load -q "$@"
}

objects() {
	find . -name '.*ffs-part' -o -name '.out*' | sort
}

gets() {
	grep -c "GET .*$1" requests || true
}

# manifest FILTER...: dataset d's manifest as another program would have written it.
manifest() {
	cp store/ffs/d/manifest.json manifest.old
	rm store/ffs/d/manifest.json
	"$@" <manifest.old >store/ffs/d/manifest.json
}

# --- the command line ---

@test "without anything to read it is a usage error" {
	usage_error ffs-get
	[ "$why" = "no dataset or object is named" ]
}

@test "help goes to stdout and fits a screen" {
	run -0 --separate-stderr ffs-get --help
	[[ $output == "usage: ffs-get "* ]]
	[ "${#lines[@]}" -le 24 ]
	[ -z "$stderr" ]
	run -0 ffs-get -V
	[[ $output == "ffs-get "* ]]
}

@test "bad options and values are named, with status 2" {
	local o
	usage_error ffs-get --nope
	for o in -j0 -j257 -jx --rows=x --rows=2-1 --rows=-1 --chunks=1.5 --time=5 --time=2..1 --time=.. \
		--progress=sometimes; do
		usage_error ffs-get "$o" d
		[[ $why == "bad "* ]]
	done
	usage_error ffs-get --list --presign=0 d
	usage_error ffs-get --presign d
	usage_error ffs-get -o x -C y d
	usage_error ffs-get --batch d
	usage_error ffs-get --batch --rows 1
	usage_error ffs-get --continue d
	usage_error ffs-get --continue -o x 'd*'
	usage_error ffs-get --rows 1 s3://bucket/key
	usage_error ffs-get s3://bucket
	usage_error ffs-get 'no such name'
	usage_error ffs-get d@0
	usage_error ffs-get --list d@0
}

# --- what is read ---

@test "a dataset comes back byte for byte, whatever the number of jobs" {
	start_node
	book
	for j in 1 2 64; do ffs-get -j "$j" d | cmp - "$book"; done
	ffs-get --message d | cmp - "$message"
	run -0 --separate-stderr ffs-get --chunks 9 d
	[ -z "$stderr" ]
}

@test "rows and chunks are cut exactly, from 0 and inclusive" {
	start_node
	book
	ffs-get --rows 0 d | cmp - <(sed -n 1p "$book")
	ffs-get --rows 99-100 d | cmp - <(sed -n 100,101p "$book")
	ffs-get --rows 150-849 d | cmp - <(sed -n 151,850p "$book")
	ffs-get --rows 995- d | cmp - <(sed -n '996,$p' "$book")
	ffs-get --rows 100-199 d | cmp - <(sed -n 101,200p "$book")
	ffs-get --chunks 3 d | cmp - <(sed -n 301,400p "$book")
	ffs-get --chunks 8- d | cmp - <(sed -n '801,$p' "$book")
	ffs-get --chunks 3-4 --rows 350-999 d | cmp - <(sed -n 351,500p "$book")
	ffs-get --message --rows 150-249 d | cmp - <(sed -n 151,250p "$message")
}

@test "rows or chunks that are not there: status 3, and nothing is written" {
	start_node
	book
	for o in --rows=1000 --rows=999-1000 --rows=1000- --chunks=10 --chunks=5-10; do
		run -3 --separate-stderr ffs-get "$o" d
		[ -z "$output" ]
		[[ $stderr == *"'d': it has not so many"*"10 chunks, 1000 rows"* ]]
	done
}

@test "times select the rows from A on and before B" {
	start_node
	book
	local t
	t=$(sed -n '512{s/,.*//p;q}' "$message")
	awk -F, -v t="$t" '$1 + 0 >= t + 0' "$message" >want
	ffs-get --message --time "$t.." d | cmp - want
	awk -F, -v t="$t" '$1 + 0 < t + 0' "$message" >want
	ffs-get --message --time "..$t" d | cmp - want
	paste -d' ' "$message" "$book" | awk '{ split($1, m, ","); if (m[1] >= 34202 && m[1] < 34204) print $2 }' >want
	[ -s want ]
	ffs-get --time 34202..34204 d | cmp - want
	ffs-get --time 09:30:02..09:30:04.000 d | cmp - want
	run -0 --separate-stderr ffs-get --time 1..2 d
	[ -z "$output$stderr" ]
}

@test "equal times on both sides of a chunk's border are neither lost nor doubled" {
	start_node
	table t
	local t
	# Rows 98 to 104 have one time, and chunk 1 begins with row 100.
	t=$(sed -n '101{s/,.*//p;q}' t.csv)
	run -0 ffs-get --time "$t..${t}001" t
	[ "$output" = "time,n
$(grep "^$t," t.csv)" ]
	[ "${#lines[@]}" -eq 8 ]
	for ((t = 50; t < 94; t++)); do
		ffs-get --time "$t..$((t + 2))" t >got
		awk -F, -v t="$t" 'NR == 1 || ($1 >= t && $1 < t + 2)' t.csv | cmp - got
	done
}

@test "a dataset without times, or without messages, says so with status 2" {
	start_node
	seq 10 >s.csv
	ffs-split s.csv | ffs-load -q
	run -2 --separate-stderr ffs-get --time 1..2 s
	[[ $stderr == *"'s': it has no times"* ]]
	run -2 --separate-stderr ffs-get --message s
	[[ $stderr == *"'s': it has no messages"* ]]
}

@test "several datasets, patterns and generations" {
	start_node
	local d
	for d in A/x A/y B/x; do
		seq -f "$d,%g" 30 >x.csv
		ffs-split -n "$d" -r 10 x.csv | ffs-load -q
	done
	ffs-get B/x A/x | cmp - <(seq -f B/x,%g 30; seq -f A/x,%g 30)
	ffs-get 'A/*' | cmp - <(seq -f A/x,%g 30; seq -f A/y,%g 30)
	ffs-get --rows 5-6 '*/x' | cmp - <(seq -f A/x,%g 6 7; seq -f B/x,%g 6 7)
	run -3 --separate-stderr ffs-get '*'
	[[ $stderr == *"no dataset matches '*'"* ]]
	seq -f 'new,%g' 5 >x.csv
	ffs-split -n A/x x.csv | ffs-load -q --replace
	ffs-get A/x | cmp - x.csv
	ffs-get A/x@2 | cmp - x.csv
	ffs-get A/x@1 | cmp - <(seq -f A/x,%g 30)
	run -3 --separate-stderr ffs-get A/x@3
	[[ $stderr == *"cannot read dataset 'A/x': there is no generation 3 of it in bucket 'ffs'" ]]
	run -3 --separate-stderr ffs-get A/x C/x
	[ "${#lines[@]}" -eq 5 ]
	[[ $stderr == *"cannot read dataset 'C/x': there is none in bucket 'ffs'" ]]
}

@test "a header is given once, with rows, times and no rows too" {
	start_node
	table h
	ffs-get h | cmp - h.csv
	ffs-get --rows 150-250 h | cmp - <(sed -n '1p;152,252p' h.csv)
	ffs-get --chunks 1-2 h | cmp - <(sed -n '1p;102,$p' h.csv)
	run -0 ffs-get --time 1..2 h
	[ "$output" = time,n ]
	ffs-get h h | cmp - <(cat h.csv; tail -n +2 h.csv)
	ffs-get -C out h
	[ "$(cat out/h/*.csv | grep -c time,n)" -eq 3 ]
	printf 'other\n1\n' >o.csv
	ffs-split --header o.csv | ffs-load -q
	run -1 --separate-stderr ffs-get h o
	[[ $stderr == *"dataset 'o': its header row is not that of the output so far"* ]]
	run -1 --separate-stderr ffs-get --batch <<<$'h rows 0\no rows 0'
	[ "${#lines[@]}" -eq 2 ]
	[[ $stderr == *"line 2: dataset 'o': its header row "* ]]
}

@test "what came before an answer that cannot be given is written, however late it is read" {
	start_node -v
	seq -f 'n,%g' 1 400000 >b.csv
	printf 'other\n1\n' >o.csv
	ffs-split -r 400000 --header b.csv | ffs-load -q
	ffs-split --header o.csv | ffs-load -q
	mkfifo pipe
	ffs-get --batch <<<$'b rows 0-399998\nb rows 7\no rows 0' >pipe 2>err 3>&- &
	get_pid=$!
	pids+=("$get_pid")
	# The large answer does not fit into the pipe: the two behind it come in before it is out.
	exec 4<pipe
	until_true 20 grep -q '"op":"GetObject".*"key":"o/1/00000.csv"' node.log
	cat <&4 >out
	exec 4<&-
	run -1 wait "$get_pid"
	grep -q "line 3: dataset 'o': its header row" err
	cmp out <(cat b.csv; sed -n 9p b.csv)
}

@test "quotes, CR LF and a missing last newline survive" {
	start_node
	printf 'a,"x\ny"\r\nb,"1,""2"\r\nc,d' >q.csv
	ffs-split -r 1 q.csv | ffs-load -q
	ffs-get q | cmp - q.csv
	ffs-get --rows 1 q | cmp - <(printf 'b,"1,""2"\r\n')
	ffs-get --rows 2 q | cmp - <(printf 'c,d')
}

@test "zstd chunks read the same" {
	start_node
	book 1000 -z
	ffs-get d | cmp - "$book"
	ffs-get --rows 150-849 d | cmp - <(sed -n 151,850p "$book")
	ffs-get --message --rows 3 d | cmp - <(sed -n 4p "$message")
	ffs-get -C out d
	cat out/d/*[0-9].csv | cmp - "$book"
}

@test "chunks of more than 16 MiB are read in ranges, and cut" {
	start_node
	big b
	big z -z
	for d in b z; do
		ffs-get "$d" | cmp - big.csv
		ffs-get --rows 300000-300009 "$d" | cmp - <(sed -n 300001,300010p big.csv)
		ffs-get --time 1500000..1500003 "$d" | cmp - <(sed -n 500000,500002p big.csv)
	done
}

@test "rows that are longer than the ranges of a chunk are found and cut" {
	start_node
	{
		echo 1,a
		printf 2,
		head -c 30000000 /dev/zero | tr '\0' x
		printf '\n3,c\n'
	} >l.csv
	ffs-split --time-col 1 l.csv | ffs-load -q
	run -0 ffs-get --rows 2 l
	[ "$output" = 3,c ]
	ffs-get --rows 1 l | cmp - <(sed -n 2p l.csv)
	ffs-get --time 2..4 l | cmp - <(tail -n +2 l.csv)
}

# --- a batch ---

@test "a batch answers its lines in order" {
	start_node
	book
	cat >lines <<-END
		d rows 100-199

		d chunks 0
		d rows 150-151 message
		d time ..1
		d rows 998-999
		d@1 rows 3
	END
	{
		sed -n 101,200p "$book"
		echo
		sed -n 1,100p "$book"
		sed -n 151,152p "$message"
		sed -n 999,1000p "$book"
		sed -n 4p "$book"
	} >want
	ffs-get --batch <lines | cmp - want
	ffs-get --batch -j 1 -o got <lines
	cmp got want
	ffs-get --batch </dev/null
	printf 'd rows 3' | ffs-get --batch | cmp - <(sed -n 4p "$book")
}

@test "random windows of a batch are right, plain and zstd" {
	start_node
	book 3000
	ffs-split -n z -r 100 -m "$message" "$book" | ffs-load -q -z
	local i a b
	RANDOM=5
	for ((i = 0; i < 300; i++)); do
		a=$((RANDOM % 2900)) b=$((a + RANDOM % 250))
		[ "$b" -lt 3000 ] || b=2999
		echo "$a $b"
	done >windows
	while read -r a b; do sed -n "$((a + 1)),$((b + 1))p" "$book"; done <windows >want
	awk '{ print (NR % 2 ? "d" : "z") " rows " $1 "-" $2 }' windows >lines
	ffs-get --batch <lines | cmp - want
	ffs-get --batch -j 1 <lines | cmp - want
}

@test "a batch answers each line before it waits for the next" {
	start_node
	book
	coproc get { ffs-get --batch; }
	local line i pid=$get_PID # bash forgets it once it has ended
	for i in 5 705 6 7; do
		echo "d rows $i" >&"${get[1]}"
		IFS= read -r -t 20 line <&"${get[0]}"
		[ "$line" = "$(sed -n "$((i + 1))p" "$book")" ]
	done
	eval "exec ${get[1]}>&-"
	wait "$pid"
}

@test "a blank line marks the end of an answer" {
	start_node
	book
	coproc get { ffs-get --batch; }
	local line i pid=$get_PID # bash forgets it once it has ended
	for i in 34200..34201 34201..34202 1..2; do
		printf 'd time %s\n\n' "$i" >&"${get[1]}"
		while IFS= read -r -t 20 line <&"${get[0]}" && [ -n "$line" ]; do echo "$line"; done >got
		ffs-get --time "$i" d | cmp - got
	done
	eval "exec ${get[1]}>&-"
	wait "$pid"
}

@test "a bad line ends a batch with status 2 after all answers before it" {
	start_node
	book
	run -2 --separate-stderr ffs-get --batch <<<$'d rows 0\nd rows 1\nd columns 1\nd rows 2'
	[ "$output" = "$(sed -n 1,2p "$book")" ]
	[[ $stderr == "ffs-get: line 3: "* ]]
	run -2 --separate-stderr ffs-get --batch <<<$'d rows 0\n* rows 1'
	[[ $stderr == "ffs-get: line 2: "* ]]
	run -3 --separate-stderr ffs-get --batch <<<$'d rows 0\nnone rows 1'
	[ "${#lines[@]}" -eq 1 ]
	[[ $stderr == "ffs-get: line 2: cannot read dataset 'none'"* ]]
	run -3 --separate-stderr ffs-get --batch <<<$'\nd rows 1000'
	[[ $stderr == "ffs-get: line 2: "* ]]
	printf 'd rows 0\nd rows 1\0-9\n' >nul
	run -2 --separate-stderr ffs-get --batch <nul
	[ "${#lines[@]}" -eq 1 ]
	[ "$stderr" = "ffs-get: line 2: cannot read selections: a NUL byte in the line" ]
	head -c 5000 /dev/zero | tr '\0' x >long
	run -2 --separate-stderr ffs-get --batch <long
	[[ $stderr == "ffs-get: line 1: "* ]]
}

@test "a window into a chunk that was read before costs no second read of it" {
	start_node
	book
	proxy
	printf 'd rows %d\n' 5 6 99 7 105 8 | ffs-get --batch >/dev/null
	[ "$(gets 00000.csv)" -eq 1 ]
	[ "$(gets 00001.csv)" -eq 1 ]
	[ "$(gets manifest.json)" -eq 1 ]
}

# --- objects ---

@test "objects of any size are read whole" {
	start_node
	book 100
	mkdir -p store/ffs/x
	: >store/ffs/x/empty
	head -c $((8 << 20)) /dev/urandom >store/ffs/x/one
	head -c 20000001 /dev/urandom >store/ffs/x/three
	for k in empty one three; do ffs-get "s3://ffs/x/$k" | cmp - "store/ffs/x/$k"; done
	ffs-get s3://ffs/x/one s3://ffs/x/three | cmp - <(cat store/ffs/x/one store/ffs/x/three)
	ffs-get --continue -o out s3://ffs/x/empty
	[ -f out ] && [ ! -s out ]
	run -3 --separate-stderr ffs-get s3://ffs/x/none
	[[ $stderr == "ffs-get: cannot read 's3://ffs/x/none': NoSuchKey (404)"* ]]
	run -3 ffs-get s3://nobucket/x
}

@test "an object that is replaced while it is read is never mixed" {
	start_node
	book 100
	mkdir -p store/ffs/x
	head -c 40000000 /dev/urandom >store/ffs/x/o
	cat >swap <<-END
		#!/bin/sh
		head -c 40000000 /dev/urandom >new && mv new store/ffs/x/o
	END
	chmod +x swap
	cp store/ffs/x/o old
	proxy GET ffs/x/o 1 "run:$PWD/swap"
	run -6 --separate-stderr ffs-get -o out s3://ffs/x/o
	[[ $stderr == *"cannot read 's3://ffs/x/o': PreconditionFailed (412)"* ]]
	[ ! -e out ]
}

# --- to files ---

@test "a file appears when it is complete, or the old one stays" {
	start_node
	book
	echo old >out.csv
	ln -s out.csv link
	rm store/ffs/d/1/00005.csv
	run -3 ffs-get -o out.csv d
	[ "$(cat out.csv)" = old ]
	run -0 objects
	[ -z "$output" ]
	ffs-get --fsync -o link --chunks 0-4 d
	[ -L link ]
	cmp out.csv <(sed -n 1,500p "$book")
	ffs-get -o /dev/null --chunks 0-4 d
	[ -c /dev/null ]
	run -1 --separate-stderr ffs-get -o none/out --chunks 0 d
	[[ $stderr == *"cannot write 'none/out': No such file or directory"* ]]
}

@test "an interrupted download goes on where it stopped" {
	start_node
	book
	proxy GET 00006.csv 1 404
	run -3 ffs-get -j 1 --continue -o out d
	[ ! -e out ]
	[ "$(objects | wc -l)" -eq 1 ]
	: >requests
	ffs-get --continue -o out d
	cmp out "$book"
	[ "$(gets '0000[0-5].csv')" -eq 0 ]
	[ "$(gets '0000[6-9].csv')" -eq 4 ]
	run -0 objects
	[ -z "$output" ]
}

@test "a download that is complete is not read again" {
	start_node
	book
	touch probe
	setfattr -n user.t -v 1 probe || need "needs user xattrs here"
	proxy
	ffs-get --continue -o out d
	: >requests
	ffs-get --continue -o out d
	[ "$(gets '[0-9].csv')" -eq 0 ]
	cmp out "$book"
}

@test "a partial download of another generation or object starts over" {
	start_node
	book
	proxy GET 00006.csv 1 404 GET x/o 3 503
	run -3 ffs-get -j 1 --continue -o out d
	[ "$(objects | wc -l)" -eq 1 ]
	seq 500 >s.csv
	ffs-split -n d -r 10 s.csv | ffs-load -q --replace
	ffs-get --continue -o out d
	cmp out s.csv
	run -0 objects
	[ -z "$output" ]
}

@test "a name that was deleted and loaded again with other bytes is read from the start" {
	start_node
	seq 10001 10500 >s.csv
	ffs-split -n d -r 50 s.csv | ffs-load -q
	proxy GET 00006.csv 1 404
	run -3 ffs-get -j 1 --continue -o out d
	ffs-get --continue -o whole d
	AWS_ENDPOINT_URL=$url
	ffs-load -q --delete d
	sed s/10111/10999/ s.csv >t.csv
	ffs-split -n d -r 50 t.csv | ffs-load -q
	ffs-get --continue -o out d
	cmp out t.csv
	ffs-get --continue -o whole d
	cmp whole t.csv
}

@test "an object goes on at the byte, and from the start where it is another" {
	start_node
	book 100
	mkdir -p store/ffs/x
	head -c 30000000 /dev/urandom >store/ffs/x/o
	export FFS_RETRIES=0
	proxy GET x/o 1 nosum GET x/o 8 503
	run -5 ffs-get -j 1 --continue -o out s3://ffs/x/o
	[ ! -e out ]
	[ "$(stat -c %s .out.*)" -eq $((8 << 20)) ]
	proxy
	ffs-get --continue -o out s3://ffs/x/o
	cmp out store/ffs/x/o
	[ "$(gets x/o)" -eq 3 ]
	# The same again, with another object at last.
	rm out
	proxy GET x/o 1 nosum GET x/o 8 503
	run -5 ffs-get -j 1 --continue -o out s3://ffs/x/o
	head -c 30000000 /dev/urandom >store/ffs/x/o
	AWS_ENDPOINT_URL=$url ffs-get --continue -o out s3://ffs/x/o
	cmp out store/ffs/x/o
	run -0 objects
	[ -z "$output" ]
}

@test "-C writes a file for each chunk, and goes on past a bad one" {
	start_node
	book
	ffs-get -C out d
	[ "$(find out -type f | wc -l)" -eq 10 ]
	cat out/d/*.csv | cmp - "$book"
	ffs-get -C msg --message --chunks 2 d
	cmp msg/d/00002.message.csv <(sed -n 201,300p "$message")
	rm store/ffs/d/1/00003.csv
	run -3 --separate-stderr ffs-get -C more d
	[[ $stderr == *"d/1/00003.csv'"* ]]
	[ "$(find more -type f | wc -l)" -eq 9 ]
	printf x >>store/ffs/d/1/00004.csv
	run -1 --separate-stderr ffs-get -C both d
	[ "$(find both -type f | wc -l)" -eq 8 ]
}

@test "a full disk is status 1, with the reason" {
	start_node
	book
	run -1 bash -c 'ffs-get d >/dev/full'
	[[ $output == *"cannot write 'standard output': No space left on device"* ]]
	run -1 bash -c 'ffs-get --list >/dev/full'
	[[ $output == *"cannot write standard output"* ]]
}

@test "a closed standard output is an error, and no socket is written to" {
	start_node
	book
	run -1 bash -c 'ffs-get d >&- 2>err; rc=$?; cat err; exit $rc'
	[[ $output == *"cannot write 'standard output': Bad file descriptor"* ]]
}

@test "a closed pipe ends it silently" {
	start_node
	book 20000
	run -0 --separate-stderr bash -c 'ffs-get d | head -n 1 >/dev/null; echo "${PIPESTATUS[0]}"'
	[ "$output" = 141 ]
	[ -z "$stderr" ]
}

@test "a signal ends it, and leaves nothing of an unfinished file" {
	start_node
	book
	proxy GET 00004.csv 1 gate
	ffs-get -o out d 3>&- &
	local pid=$!
	until_true 20 test -e gate.reached
	kill -TERM "$pid"
	local rc=0
	wait "$pid" || rc=$?
	[ "$rc" -eq 143 ]
	touch gate.open
	[ ! -e out ]
	run -0 objects
	[ -z "$output" ]
}

# --- what can go wrong ---

@test "wrong bytes are asked for once again, then it is status 6 and they are not written" {
	start_node
	book
	proxy GET 00004.csv 1 flip
	ffs-get d | cmp - "$book"
	[ "$(gets 00004.csv)" -eq 2 ]
	AWS_ENDPOINT_URL=$url
	proxy GET 00004.csv 9 flip
	run -6 --separate-stderr ffs-get d
	[ "${#lines[@]}" -eq 400 ]
	[[ $stderr == "ffs-get: cannot read 's3://ffs/d/1/00004.csv': wrong bytes (CRC32C does not match)"* ]]
	[ "$(gets 00004.csv)" -eq 2 ]
}

@test "wrong bytes in a large chunk are status 6" {
	start_node
	big b
	proxy GET b/1 1 nosum GET b/1 1 flip
	run -6 --separate-stderr ffs-get -o out b
	[[ $stderr == *"'s3://ffs/b/1/00000.csv': wrong bytes"* ]]
	[ ! -e out ]
}

@test "an object that was overwritten behind the manifest's back is refused" {
	start_node
	book
	printf x >>store/ffs/d/1/00002.csv
	run -6 --separate-stderr ffs-get d
	[ "${#lines[@]}" -eq 200 ]
	[[ $stderr == *"'s3://ffs/d/1/00002.csv': PreconditionFailed (412)"* ]]
}

@test "truncated bodies, lost connections and 503s are tried again" {
	start_node
	book
	proxy GET 00001.csv 1 trunc GET 00002.csv 2 503 GET 00003.csv 1 close GET manifest 1 500
	ffs-get d | cmp - "$book"
	[ "$(gets 00001.csv)" -eq 2 ]
	[ "$(gets 00002.csv)" -eq 3 ]
}

@test "a variable that is no number, or out of range, is named" {
	FFS_RETRIES=many run -1 --separate-stderr ffs-get d
	[ "$stderr" = "ffs-get: bad FFS_RETRIES 'many': Invalid argument" ]
	FFS_STALL_TIMEOUT=0 run -1 --separate-stderr ffs-get d
	[[ $stderr == "ffs-get: bad FFS_STALL_TIMEOUT '0': "* ]]
	FFS_CONNECT_TIMEOUT=5x run -1 --separate-stderr ffs-load --prune d
	[[ $stderr == "ffs-load: bad FFS_CONNECT_TIMEOUT '5x': "* ]]
}

@test "a store that is busy for ever, or away, is status 5" {
	start_node
	book
	proxy GET 00003.csv 99 503
	FFS_RETRIES=1 run -5 --separate-stderr ffs-get d
	[ "${#lines[@]}" -eq 300 ]
	[[ $stderr == *"'s3://ffs/d/1/00003.csv': SlowDown (503)"* ]]
	[ "$(gets 00003.csv)" -eq 2 ]
	kill -KILL "$node_pid"
	AWS_ENDPOINT_URL=$url FFS_RETRIES=1 run -5 --separate-stderr ffs-get d
	[[ $stderr == *"cannot read dataset 'd'"* ]]
}

@test "a store that dies half-way: what came is right, status 5" {
	start_node
	book
	cat >die <<-END
		#!/bin/sh
		kill -KILL $node_pid
	END
	chmod +x die
	proxy GET 00006.csv 1 "run:$PWD/die"
	AWS_ENDPOINT_URL=$(cat proxy.url) FFS_RETRIES=1 run -5 --separate-stderr ffs-get -j 2 d
	[ -n "$stderr" ]
	[ "${#lines[@]}" -ge 500 ]
	cmp <(printf '%s\n' "$output") <(head -n "${#lines[@]}" "$book")
}

@test "a chunk that was pruned meanwhile is named, with status 3" {
	start_node
	book
	rm store/ffs/d/1/00007.csv
	run -3 --separate-stderr ffs-get d
	[ "${#lines[@]}" -eq 700 ]
	[[ $stderr == "ffs-get: cannot read 's3://ffs/d/1/00007.csv': NoSuchKey (404)"* ]]
}

@test "a generation that is replaced in mid-read is read to its end" {
	start_node
	book
	proxy GET 00003.csv 1 gate
	ffs-get -j 1 -o out d 3>&- &
	local pid=$!
	until_true 20 test -e gate.reached
	seq 100 >s.csv
	ffs-split -n d s.csv | AWS_ENDPOINT_URL=$url ffs-load -q --replace
	touch gate.open
	wait "$pid"
	cmp out "$book"
	AWS_ENDPOINT_URL=$url ffs-get d | cmp - s.csv
}

@test "where one copy is wrong or gone another one is read" {
	start_node
	book
	mv node.url a.url
	mkdir b c
	cp -a store b/store
	(
		cd b
		ffs-node --serve ./store --listen 127.0.0.1:0 --fsync=never >../b.url 2>/dev/null 3>&- &
		echo $! >../b.pid
	)
	pids+=("$(cat b.pid)")
	until_true 20 test -s b.url
	printf 'a %s\nb %s\n' "$(cat a.url)" "$(cat b.url)" >nodes
	export FFS_NODES=$PWD/nodes
	unset AWS_ENDPOINT_URL
	manifest jq -c '.chunks[] |= (.nodes = ["a", "b"] | .etags = [.etags[0], .etags[0]] |
		.message.etags = [.message.etags[0], .message.etags[0]])'
	ffs-get d | cmp - "$book"
	rm store/ffs/d/1/00003.csv
	ffs-get d | cmp - "$book"
	printf x >>store/ffs/d/1/00005.csv
	ffs-get d | cmp - "$book"
	ffs-get --time-each d 2>&1 >/dev/null | grep -c 'origin b$' >count
	[ "$(cat count)" -eq 2 ]
	rm b/store/ffs/d/1/00003.csv
	run -3 ffs-get d
	kill -KILL "$(cat b.pid)"
	FFS_RETRIES=0 run -5 ffs-get --chunks 3 d
	kill -KILL "$node_pid"
	FFS_RETRIES=0 run -5 ffs-get d
}

@test "a node that is not known is named, with what to do" {
	start_node
	book
	manifest jq -c '.chunks[].nodes = ["mars"]'
	local list=$HOME/.config/ffs/nodes
	run -3 --separate-stderr ffs-get d
	[ "$stderr" = "ffs-get: cannot read 's3://ffs/d/1/00000.csv': it is on node 'mars', and there is no node list: add a line 'mars ENDPOINT' to the file '$list'" ]
	run -3 --separate-stderr ffs-get --list --presign --chunks 0 d
	[[ $stderr == "ffs-get: cannot sign for 's3://ffs/d/1/00000.csv': it is on node 'mars', and there is no"* ]]
	echo "venus $url" >"$list"
	run -3 --separate-stderr ffs-get d
	[[ $stderr == *"'mars', which the node list lacks: add a line 'mars ENDPOINT' to the file '$list'" ]]
	run -3 --separate-stderr ffs-get --endpoint "$url" d
	[[ $stderr == *"'mars', which --endpoint leaves out: the node list may have it" ]]
	# What was said helps.
	echo "mars $url" >>"$list"
	ffs-get d | cmp - "$book"
}

@test "a slow reader of the output neither times out nor grows" {
	start_node
	big b
	book 20000
	for d in b d; do
		FFS_STALL_TIMEOUT=500ms ffs-get "$d" | {
			head -c 100000
			sleep 1.5
			cat
		} >got
		[ "${PIPESTATUS[0]}" -eq 0 ]
		[ "$d" = d ] && cmp got "$book" || cmp got big.csv
	done
}

@test "memory stays below 64 MB, for large chunks, many jobs and a slow reader" {
	ldd "$(command -v ffs-get)" | grep -q libasan && may_skip "the sanitizer has memory of its own"
	start_node
	big b
	big z -z
	book 20000
	cat big.csv big.csv "$book" >want
	mkfifo lines
	ffs-get --batch -j 64 <lines > >(
		sleep 0.5
		exec cat >got
	) 3>&- &
	local pid=$!
	pids+=("$pid")
	exec 4>lines
	printf '%s\n' b z d >&4
	until_true 60 cmp -s want got
	[ "$(awk '/^VmHWM/ { print $2 }' "/proc/$pid/status")" -lt 65536 ]
	exec 4>&-
	wait "$pid"
}

@test "a manifest that cannot be used is refused" {
	start_node
	book 200
	manifest sed 's/"version": *1/"version":2/'
	run -7 --separate-stderr ffs-get d
	[[ $stderr == *"a version that this program does not know"* ]]
	run -7 ffs-get --list d
	manifest sed 's/"version":2/"version":1/; s/"encoding": *"identity"/"encoding":"lzma"/'
	run -7 ffs-get d
	manifest sed 's/"lzma"/"identity"/; s/"dataset": *"d"/"dataset":"e"/; s,"d/1/,"e/1/,g'
	run -6 --separate-stderr ffs-get d
	[[ $stderr == *"its manifest is that of 'e@1'"* ]]
	manifest head -c 100
	run -6 --separate-stderr ffs-get d
	[[ $stderr == *"its manifest cannot be used"* ]]
}

@test "rows that are not in the chunk that should have them: status 6, with the dataset" {
	start_node
	seq 10 >d.csv
	ffs-split d.csv | ffs-load -q
	manifest jq '.rows = 20 | .chunks[0].rows = 20'
	run -6 --separate-stderr ffs-get --rows 5-15 d
	[ "$stderr" = "ffs-get: dataset 'd': its rows are not what its manifest says" ]
	run -6 --separate-stderr ffs-get -C out --rows 5-15 d
	[ "$stderr" = "ffs-get: dataset 'd': its rows are not what its manifest says" ]
	run -6 --separate-stderr ffs-get --batch <<<$'d rows 1\nd rows 5-15'
	[ "$stderr" = "ffs-get: line 2: dataset 'd': its rows are not what its manifest says" ]
	run -0 find out -type f
	[ -z "$output" ]
}

@test "wrong keys are denied, with endpoint and source, without the secret" {
	start_node
	book 100
	mv "$HOME/.config/ffs/credentials" keys
	AWS_ACCESS_KEY_ID=wrong AWS_SECRET_ACCESS_KEY=s3cret run -4 --separate-stderr ffs-get d
	[[ $stderr == *"(403)"*"$url"*"AWS_ACCESS_KEY_ID"* ]]
	[[ $stderr != *s3cret* ]]
}

# --- lists and times ---

@test "--list shows datasets in order, --json everything about them" {
	start_node
	book
	seq 10 >s.csv
	ffs-split -n A/x s.csv | ffs-load -q -z
	run -0 --separate-stderr ffs-get --list
	[[ ${lines[0]} == "DATASET "*"GENERATION"*"ROWS"*"CHUNKS"*"BYTES"*"ENCODING" ]]
	[[ ${lines[1]} =~ ^A/x\ +1\ +10\ +1\ +21\ +zstd$ ]]
	[[ ${lines[2]} =~ ^d\ +1\ +1000\ +10\ +$(stat -c %s "$book")\ +identity$ ]]
	[ "${#lines[@]}" -eq 3 ]
	[ "$(ffs-get --list --json | jq -r .dataset | paste -sd,)" = A/x,d ]
	[ "$(ffs-get --list --json 'A/*' | jq -c '[.rows, .encoding, .header]')" = '[10,"zstd",false]' ]
	run -3 ffs-get --list 'B/*'
	run -3 ffs-get --list none
}

@test "--list of a dataset gives the URLs of its chunks, which can be read" {
	start_node
	book
	run -0 --separate-stderr ffs-get --list d
	[ "${#lines[@]}" -eq 10 ]
	[ "${lines[9]}" = s3://ffs/d/1/00009.csv ]
	run -0 ffs-get --list --rows 150-250 --message d
	[ "$output" = "s3://ffs/d/1/00001.message.csv
s3://ffs/d/1/00002.message.csv" ]
	ffs-get "${lines[0]}" | cmp - <(sed -n 101,200p "$message")
	[ "$(ffs-get --list --json d | jq -r .crc32c | sort -u | wc -l)" -ge 9 ]
	[ "$(ffs-get --list --json --chunks 2 d | jq -r '.url, .first_row, .message.key' | paste -sd' ')" = \
		"s3://ffs/d/1/00002.csv 200 d/1/00002.message.csv" ]
	need_cmd curl
	curl -s "$(ffs-get --list --presign --chunks 3 d)" | cmp - <(sed -n 301,400p "$book")
}

@test "--time-each names each chunk, its bytes, times and origin" {
	start_node
	book
	run -0 --separate-stderr bash -c 'ffs-get --time-each d 2>&1 >/dev/null'
	[ "${#lines[@]}" -eq 10 ]
	local i
	for i in 0 9; do
		[[ ${lines[i]} =~ ^d/1/0000$i.csv$'\t'$(stat -c %s "store/ffs/d/1/0000$i.csv")$'\t'[0-9.]+$'\t'[0-9.]+$'\t'origin\ local$ ]]
	done
	ffs-get --time-each --json d 2>each >/dev/null
	[ "$(jq -r 'select(.total_ms >= .first_byte_ms and .source == "origin" and .node == "local") | .key' each | wc -l)" -eq 10 ]
	printf 'd rows 1\nd rows 2\n' | ffs-get --batch --time-each --json 2>each >/dev/null
	[ "$(jq -r .source each | paste -sd,)" = origin,memory ]
}

@test "-v names the endpoint and where the keys are from" {
	start_node
	book 100
	run -0 --separate-stderr ffs-get -v --rows 1 d
	[[ $stderr == *"node local: endpoint $url (AWS_ENDPOINT_URL), credentials from [$url]"* ]]
}

@test "the progress as lines goes to stderr" {
	start_node
	book
	run -0 --separate-stderr ffs-get --progress=line -o out d
	[ -z "$output" ]
	cmp out "$book"
}
