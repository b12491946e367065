# The generator of order books: what it makes must look like LOBSTER's files, byte and number.
load helper.bash

bats_require_minimum_version 1.8.0

setup_file() {
	export gen="${FFS_TEST_BUILD:-$BATS_TEST_DIRNAME/../build}/testdata/lobster-gen"
	export data="$BATS_FILE_TMPDIR/data"
	mkdir "$data"
	"$gen" -r 5000 -l 50 -s 11 -C "$data" >/dev/null
	export book="$data/DEMO_2012-06-21_34200000_37800000_orderbook_50.csv"
	export message="$data/DEMO_2012-06-21_34200000_37800000_message_50.csv"
}

# between LOW VALUE HIGH
between() {
	awk -v a="$1" -v v="$2" -v b="$3" 'BEGIN { exit !(a <= v && v <= b) }' ||
		{ echo "$2 is not between $1 and $3" >&2; return 1; }
}

@test "the sample in testdata is what its seed makes" {
	run -0 --separate-stderr "$gen" -r 1000 -l 10 -s 8
	[ "${lines[0]}" = DEMO_2012-06-21_34200000_37800000_orderbook_10.csv ]
	[ "${lines[1]}" = DEMO_2012-06-21_34200000_37800000_message_10.csv ]
	cmp "${lines[0]}" "$BATS_TEST_DIRNAME/../testdata/${lines[0]}"
	cmp "${lines[1]}" "$BATS_TEST_DIRNAME/../testdata/${lines[1]}"
}

@test "every row has two numbers a level and side, prices in order, the spread open" {
	[ "$(wc -l <"$book")" -eq 5000 ]
	awk -F, 'NF != 200 { print "columns", NR, NF; exit 1 }
		$1 <= $3 { print "crossed", NR; exit 1 }
		{ for (i = 1; i < 197; i += 4) {
			if ($(i + 4) <= $i || $(i + 6) >= $(i + 2)) { print "order", NR; exit 1 }
			if ($(i + 1) < 1 || $(i + 3) < 1) { print "size", NR; exit 1 } } }' "$book"
}

@test "a hidden execution repeats the row, anything else changes it" {
	paste -d' ' "$message" "$book" | awk '{ split($1, m, ",")
		if (NR > 1 && (m[2] == 5) != ($2 == last)) { print "row", NR, m[2]; exit 1 }
		last = $2 }'
}

@test "messages have six fields, times never go back, ids are known" {
	awk -F, 'NF != 6 || $1 + 0 < last { print "line", NR; exit 1 }
		$2 !~ /^[1-5]$/ || $4 < 1 || $6 !~ /^-?1$/ { print "field", NR; exit 1 }
		$2 == 5 && $3 != 0 { print "hidden id", NR; exit 1 }
		$1 ~ /\..*0$/ || $1 ~ /\.$/ { print "zeros", NR; exit 1 }
		{ last = $1 }' "$message"
}

@test "the statistics are those of a real book" {
	# Shares of submissions, deletions, executions and hidden ones; real: 48.1 44.6 4.4 2.4.
	read -r t1 t3 t4 t5 equal < <(awk -F, '{ t[$2]++; if ($1 == last) e++; last = $1 }
		END { k = 100 / NR; print t[1] * k, t[3] * k, t[4] * k, t[5] * k, e * k }' "$message")
	between 45 "$t1" 51
	between 42 "$t3" 48
	between 3 "$t4" 6
	between 1.5 "$t5" 3.5
	# Neighbours at the same time; real: 6.4 %.
	between 5 "$equal" 8
	# Cells changed from row to row: 0, 1, more than 50, mean; real: 2.4 33.3 58.8 %, 52.5.
	read -r none one many mean < <(awk -F, 'NR > 1 { n = 0
		for (i = 1; i <= NF; i++) if ($i != old[i]) n++
		sum += n; if (n == 0) z++; if (n == 1) o++; if (n > 50) m++ }
		{ for (i = 1; i <= NF; i++) old[i] = $i }
		END { k = 100 / (NR - 1); print z * k, o * k, m * k, sum / (NR - 1) }' "$book")
	between 1.5 "$none" 4
	between 20 "$one" 45
	between 45 "$many" 72
	between 35 "$mean" 70
	# The spread in cents; real: p5 8, p50 19, p95 35 in an hour.
	read -r p5 p50 p95 < <(awk -F, '{ print ($1 - $3) / 100 }' "$book" | sort -n |
		awk '{ v[NR] = $1 } END { print v[int(NR * .05)], v[int(NR * .5)], v[int(NR * .95)] }')
	between 3 "$p5" 25
	between 10 "$p50" 40
	between 20 "$p95" 100
	# Length of a row and what gzip makes of it; real: 1183 bytes, 38:1.
	between 1140 "$(($(wc -c <"$book") / 5000))" 1200
	between 30 "$(($(wc -c <"$book") / $(gzip -6c "$book" | wc -c)))" 50
}

@test "some times have twelve decimals" {
	"$gen" -r 40000 -l 1 >/dev/null
	awk -F, '{ split($1, t, "."); n[length(t[2])]++ }
		END { exit !(n[12] > 0 && n[12] < NR / 500 && n[9] > NR * .85) }' ./*message_1.csv
}

@test "another number of levels shows the same market" {
	"$gen" -r 4000 -l 1 -s 11 >/dev/null
	# The deep book begins with rows that show the opening state, the shallow one behind it.
	cut -d, -f1-4 "$book" | uniq | sed 1d | head -n 900 >deep
	cut -d, -f1-4 ./*orderbook_1.csv | uniq | head -n 900 >shallow
	[ "$(wc -l <shallow)" -eq 900 ]
	cmp deep shallow
}

@test "levels from 1 to 200 and no rows at all work" {
	run -0 --separate-stderr "$gen" -r 0 -l 3
	[ ! -s "${lines[0]}" ]
	[ ! -s "${lines[1]}" ]
	for l in 1 2 57 200; do
		"$gen" -r 300 -l "$l" -t "L$l" >/dev/null
		awk -F, -v n=$((4 * l)) 'NF != n { exit 1 } END { exit NR != 300 }' "L$l"_*orderbook*
	done
}

@test "the name has ticker, date and level, and -C says where" {
	mkdir d
	run -0 --separate-stderr "$gen" -r 10 -l 2 -t BRK.B -d 2026-01-05 -C d
	[ "${lines[0]}" = d/BRK.B_2026-01-05_34200000_37800000_orderbook_2.csv ]
	[ -f "${lines[0]}" ]
	[ -f "${lines[1]}" ]
}

@test "bad arguments are usage errors that name the value" {
	mkdir here
	cd here
	run -2 --separate-stderr "$gen" -l 0
	[ "$stderr" = "lobster-gen: bad levels '0': Numerical result out of range" ]
	run -2 --separate-stderr "$gen" -r 10x
	[[ $stderr == *"'10x'"* ]]
	run -2 --separate-stderr "$gen" -t ../x
	run -2 --separate-stderr "$gen" -d 2012-6-21
	run -2 --separate-stderr "$gen" extra
	[ -z "$(ls -A)" ]
}

@test "a directory that is not there, and a full stdout, are failures" {
	run -1 --separate-stderr "$gen" -C nowhere
	[[ $stderr == *"nowhere"* ]]
	run -1 bash -c '"$gen" -r 1 >/dev/full'
}

@test "an interrupted run leaves no file" {
	"$gen" -r 100000000 -l 200 >names 2>&1 &
	pid=$!
	pids+=("$pid")
	until_true 20 bash -c 'ls -A | grep -q lobster-gen'
	kill -TERM "$pid"
	rc=0
	wait "$pid" || rc=$?
	[ "$rc" -eq 143 ]
	run -0 ls -A
	[ "$output" = "home"$'\n'"names" ]
}

@test "a full disk is a failure and leaves no file" {
	need_root
	unshare --mount true || need "needs a mount namespace"
	mkdir small
	unshare --mount bash -c 'mount -t tmpfs -o size=1m none small && cd small &&
		rc=0 && { "$gen" -r 10000 -l 50 2>../err || rc=$?; } && [ -z "$(ls -A)" ] && exit $rc' && rc=0 || rc=$?
	[ "$rc" -eq 1 ]
	grep -q 'No space left' err
}
