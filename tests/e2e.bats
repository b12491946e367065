# The whole way: split, load, read back; real and generated books; one store and several.
load helper.bash

data="$BATS_TEST_DIRNAME/../../shared/data/lobster"
gen() { "$FFS_TEST_BUILD/testdata/lobster-gen" "$@" >/dev/null; }

# book ROWS LEVELS: sets book and message to generated files.
book() {
	gen -r "$1" -l "$2" -s 7 -t TEST -d 2012-06-21 -C .
	book=$(echo TEST_*_orderbook_*.csv)
	message=$(echo TEST_*_message_*.csv)
}

real_book() {
	[ -r "$data/AAPL_2012-06-21_34200000_37800000_message_50.csv" ] || may_skip "no real data"
	message="$data/AAPL_2012-06-21_34200000_37800000_message_50.csv"
	book=AAPL_2012-06-21_34200000_37800000_orderbook_50.csv
	xz -dkc "$data"/*_orderbook_50.reconstructed.csv.xz >"$book"
}

@test "the real level-50 book comes back byte for byte, in 92 chunks of 1,000 rows" {
	real_book
	start_node
	bash -c "set -o pipefail; ffs-split -m '$message' '$book' | ffs-load -q"
	ffs-get AAPL/2012-06-21 | cmp - "$book"
	ffs-get --message AAPL/2012-06-21 | cmp - "$message"
	run -0 --separate-stderr ffs-get --list AAPL/2012-06-21
	[ "${#lines[@]}" -eq 92 ]
	[ "$(ffs-get --chunks 91 AAPL/2012-06-21 | wc -l)" -eq 997 ]
}

@test "a window of time of the real book is what a scan of the message file finds" {
	real_book
	start_node
	bash -c "set -o pipefail; ffs-split -m '$message' '$book' | ffs-load -q -z"
	# 09:45 to 09:46; no time in this file has more digits than a double keeps apart at the edges.
	awk -F, '$1 >= 35100 && $1 < 35160 { print NR }' "$message" >rows
	[ "$(wc -l <rows)" -gt 100 ]
	sed -n "$(head -n 1 rows),$(tail -n 1 rows)p" "$book" >want
	ffs-get --time 09:45..09:46 AAPL/2012-06-21 | cmp - want
	ffs-get --time 35100..35160 AAPL/2012-06-21 | cmp - want
	# Row 39482 of the file has 12 decimals.
	t=$(sed -n 39483p "$message" | cut -d, -f1)
	[ "${#t}" -gt 16 ]
	run -0 --separate-stderr bash -c "ffs-get --message --time $t..$t AAPL/2012-06-21"
	[ -z "$output" ]
	ffs-get --message --time "$t.." AAPL/2012-06-21 | head -n 1 >got || true
	sed -n 39483p "$message" | cmp - got
}

@test "a generated book comes back from every way of cutting and storing it" {
	book 5000 10
	start_node
	n=0
	for cut in "-r 1" "-r 999" "-r 100000" "-s 1" "-s 64k" ""; do
		for z in "" -z; do
			n=$((n + 1))
			[ "$cut" = "-r 1" ] && head -n 50 "$book" >in.csv || cp "$book" in.csv
			[ "$cut" = "-s 1" ] && head -n 50 "$book" >in.csv
			# shellcheck disable=SC2086
			bash -c "set -o pipefail; ffs-split $cut -n d$n in.csv | ffs-load -q $z"
			ffs-get "d$n" | cmp - in.csv
		done
	done
}

@test "odd files survive byte for byte" {
	start_node
	printf 'a,b\r\n1,"x\r\ny"\r\n2,"q""q"\r\n' >crlf.csv
	printf '\357\273\277a,b\n1,2\n' >bom.csv
	printf 'a,b\n1,2' >noend.csv
	printf '"a\n\n\nb",c\nd,e\n' >quoted.csv
	printf '1\n' >one.csv
	for f in crlf bom noend quoted one; do
		for r in 1 2 1000; do
			bash -c "set -o pipefail; ffs-split -r $r -n $f-$r $f.csv | ffs-load -q"
			ffs-get "$f-$r" | cmp - "$f.csv"
		done
	done
}

@test "a header is kept in every chunk and given once" {
	start_node
	{ echo time,price; seq -f '%.0f,1' 1 2500; } >h.csv
	bash -c 'set -o pipefail; ffs-split --header --time-col 1 -r 1000 h.csv | ffs-load -q'
	ffs-get h | cmp - h.csv
	ffs-get --rows 1500-1501 h >got
	printf 'time,price\n1501,1\n1502,1\n' | cmp - got
	ffs-get --time 2000..2002 h >got
	printf 'time,price\n2000,1\n2001,1\n' | cmp - got
	[ "$(ffs-get -C out h && head -qn 1 out/h/*.csv | sort -u)" = time,price ]
}

@test "windows of tables with other delimiters are what awk finds" {
	start_node
	{
		printf 'sym\ttime\tprice\n'
		seq 1 5000 | awk -v OFS='\t' '{ print "a,b", 34200 + $1 / 8, $1 % 97 ",5" }'
	} >t.tsv
	# A quote opens a text only where a column starts, and that the delimiter decides.
	tr '\t' ';' <t.tsv | awk -F';' -v OFS=';' 'NR % 5 == 0 { $3 = "\"x\ny;,\"" } { print }' >s.csv
	for z in "" -z; do
		# shellcheck disable=SC2086
		bash -c "set -o pipefail
			ffs-split --header --time-col 2 -r 700 -d '\\t' -n t$z t.tsv | ffs-load -q $z
			ffs-split --header --time-col 2 -r 700 -d ';' -n s$z s.csv | ffs-load -q $z"
		ffs-get "t$z" | cmp - t.tsv
		ffs-get "s$z" | cmp - s.csv
		awk -F'\t' 'NR == 1 || ($2 >= 34400.5 && $2 < 34500)' t.tsv >want
		[ "$(wc -l <want)" -eq 797 ]
		ffs-get --time 34400.5..34500 "t$z" | cmp - want
		# Here a row may have two lines; the second goes with the first.
		awk -F';' 'NR > 1 && $2 != "" && $1 == "a,b" { on = $2 >= 34400.5 && $2 < 34500 } NR == 1 || on' \
			s.csv >want
		ffs-get --time 34400.5..34500 "s$z" | cmp - want
		awk 'NR == 1 || /^a/ && n++ >= 0 { on = NR == 1 || (n > 1404 && n <= 1406) } on' s.csv >want
		ffs-get --rows 1404-1405 "s$z" | cmp - want
		# Asked again, the second comes by what is remembered of the chunk's rows.
		yes "s$z rows 1404-1405" | head -n 40 | ffs-get --batch -j 1 >got
		{
			head -n 1 want
			for _ in $(seq 40); do sed 1d want; done
		} >wants
		cmp got wants
	done
}

@test "tar lists and unpacks the stream without a word, and what it packs can be loaded" {
	book 3000 10
	start_node
	ffs-split -n d -r 1000 "$book" >d.tar
	run -0 --separate-stderr tar tf d.tar
	[ "$output" = $'d/00000.csv\nd/00001.csv\nd/00002.csv' ]
	[ -z "$stderr" ]
	run -0 --separate-stderr tar xf d.tar
	[ -z "$stderr" ]
	cat d/*.csv | cmp - "$book"
	tar --sort=name -cf plain.tar d
	ffs-load -q plain.tar
	ffs-get d | cmp - "$book"
	tar --sort=name -czf again.tar.gz --format=gnu d
	ffs-load -q --replace again.tar.gz
	ffs-get d | cmp - "$book"
	ffs-get d@1 | cmp - "$book"
}

@test "the stream is the same bytes every time" {
	book 2000 5
	ffs-split -n d -m "$message" "$book" >one.tar
	touch -d 2001-01-01 "$book"
	ffs-split -n d -m "$message" "$book" >two.tar
	cmp one.tar two.tar
}

# nodes N: N stores and a node list for them; sets urls.
nodes() {
	local i
	mkdir -p "$HOME/.config/ffs"
	for i in $(seq "$1"); do
		ffs-node --serve "./store$i" --listen 127.0.0.1:0 --fsync=never >"node$i.url" 2>"node$i.log" 3>&- &
		pids+=($!)
		until_true 20 test -s "node$i.url"
		echo "n$i $(cat "node$i.url")" >>"$HOME/.config/ffs/nodes"
	done
}

@test "three nodes each hold a contiguous range, and reads join them" {
	book 9000 10
	nodes 3
	bash -c "set -o pipefail; ffs-split -n d -r 500 '$book' | ffs-load -q"
	ffs-get d | cmp - "$book"
	run -0 --separate-stderr ffs-get --list --json d
	jq -r '.nodes[0]' <<<"$output" | uniq >order
	[ "$(sort -u order | wc -l)" -eq 3 ]
	[ "$(wc -l <order)" -eq 3 ]
	for i in 1 2 3; do
		[ "$(find "store$i/ffs/d/1" -name '*.csv' | wc -l)" -ge 5 ]
		test -e "store$i/ffs/d/manifest.json"
	done
}

@test "every tool that uses keys of a credentials file open to others says so, once" {
	start_node
	local keys=$HOME/.config/ffs/credentials mode tool
	local warning="others have access to the secret keys: chmod 600 '$keys'"
	printf '1,2\n3,4\n' >table.csv
	ffs-split -n table table.csv >table.tar
	printf 'a %s\nb %s\n' "$url" "$url" >"$HOME/.config/ffs/nodes"
	unset AWS_ENDPOINT_URL
	for mode in 640 604 660; do
		chmod "$mode" "$keys"
		run -0 --separate-stderr ffs-load --replace -q table.tar
		[ "$stderr" = "ffs-load: $warning" ]
		run -0 --separate-stderr ffs-get table
		[ "$stderr" = "ffs-get: $warning" ]
		run -0 --separate-stderr ffs-get -q table
		[ -z "$stderr" ]
	done
	kill "$node_pid"
	wait "$node_pid"
	start_node --listen "${url#http://}"
	[ "$(cat node.log)" = "ffs-node: $warning" ]
	# Keys from elsewhere are not the file's.
	own_keys
	sed s/127.0.0.1/localhost/ "$HOME/.config/ffs/nodes" >elsewhere
	run -0 --separate-stderr env FFS_NODES=elsewhere ffs-get table
	[ -z "$stderr" ]
	chmod 600 "$keys"
	run -0 --separate-stderr ffs-get table
	[ -z "$stderr" ]
}

@test "a node that is away is named, and nothing false is written" {
	book 3000 5
	nodes 2
	bash -c "set -o pipefail; ffs-split -n d -r 500 '$book' | ffs-load -q"
	kill -KILL "${pids[1]}"
	run -5 --separate-stderr ffs-get -o out.csv d
	[[ $stderr == *n2* || $stderr == *"$(cat node2.url)"* ]]
	[ ! -e out.csv ]
}

@test "the primary's copy elsewhere answers when the primary is away" {
	book 3000 5
	nodes 2
	bash -c "set -o pipefail; ffs-split -n d -r 500 '$book' | ffs-load -q"
	kill -KILL "${pids[0]}"
	# The end of it is on the second node.
	ffs-get --chunks 5 d >got 2>err
	sed -n 2501,3000p "$book" | cmp - got
	grep -q "primary cannot be reached" err
}
