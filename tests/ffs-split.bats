load helper.bash

sample=$BATS_TEST_DIRNAME/../testdata/DEMO_2012-06-21_34200000_37800000
shared=$BATS_TEST_DIRNAME/../../shared/data/lobster

# attr TAR ENTRY NAME: the value of user.ffs.NAME, by another reader than ours; "none" without.
attr() {
	/usr/bin/python3 - "$@" <<-'EOF'
	import sys, tarfile
	entry = tarfile.open(sys.argv[1]).getmember(sys.argv[2])
	print(entry.pax_headers.get("SCHILY.xattr.user.ffs." + sys.argv[3], "none"))
	EOF
}

# round_trip FILE [OPTION...]: split it by the stream and by -C; both times the chunks are the input.
round_trip() {
	local file=$1
	shift
	rm -rf dir rt.tar
	ffs-split "$@" -n rt "$file" >rt.tar
	tar -xOf rt.tar >rt.out
	cmp rt.out "$file"
	ffs-split "$@" -n rt -C dir "$file"
	cat dir/rt/*.csv | cmp - "$file"
}

chunks() {
	tar -tf "$1" | wc -l
}

make_pair() { # make_pair DIR TICKER DATE LEVEL ROWS
	mkdir -p "$1"
	awk -v n="$5" -v l="$4" 'BEGIN { for (i = 0; i < n; i++) {
		for (j = 0; j < l; j++) printf "%s%d,1,%d,2", j ? "," : "", 1000 + i, 900 - i
		print "" } }' >"$1/${2}_${3}_34200000_37800000_orderbook_$4.csv"
	awk -v n="$5" 'BEGIN { for (i = 0; i < n; i++) printf "%d.5,1,%d,100,1000,1\n", 34200 + int(i / 2), i }' \
		>"$1/${2}_${3}_34200000_37800000_message_$4.csv"
}

# --- command line ---

@test "help and version go to stdout and fit a screen" {
	run -0 --separate-stderr ffs-split --help
	[[ $output == "usage: ffs-split "* ]]
	[ -z "$stderr" ]
	[ "${#lines[@]}" -le 24 ]
	run -0 --separate-stderr ffs-split -V
	[[ $output == "ffs-split "* ]]
	run -1 bash -c 'ffs-split --help >/dev/full'
	[[ $output == *"cannot write standard output"* ]]
}

@test "an unknown option is a usage error" {
	usage_error ffs-split --nope
	[[ $why == *"'--nope'"* ]]
}

@test "bad numbers and delimiters name the value" {
	local bad
	for bad in "-r 0" "-r 12x" "-r -1" "-s 0" "-s 12q" "-s 2g" "--time-col 0" "--time-col x"; do
		# shellcheck disable=SC2086
		usage_error ffs-split $bad x.csv
		[[ $why == "bad "*"'${bad#* }'"* ]]
	done
	for bad in '"' ab '' $'\n' $'\r' $'\xa7' §; do
		usage_error ffs-split -d "$bad" x.csv
		[[ $why == "bad delimiter "* ]]
	done
}

@test "a terminal gets no tar stream" {
	need_cmd script
	echo a,b >x.csv
	run -2 script -qec 'ffs-split x.csv 2>err' /dev/null
	[ -z "$output" ]
	run -0 cat err
	[[ ${lines[0]} == "ffs-split: no tar stream to a terminal"* ]]
	[ "${lines[1]}" = "Try 'ffs-split --help'." ]
	[ "${#lines[@]}" -eq 2 ]
}

@test "no file on a terminal is a usage error" {
	need_cmd script
	run -2 script -qec 'ffs-split >out' /dev/null
	[[ ${lines[0]} == "ffs-split: stdin is a terminal"* ]]
	[ "${#lines[@]}" -eq 2 ]
}

@test "-m and --time-col exclude each other" {
	usage_error ffs-split -m m.csv --time-col 1 x.csv
	[[ $why == "-m and --time-col exclude each other"* ]]
}

@test "a missing file is exit 3, a directory exit 1" {
	run -3 --separate-stderr ffs-split nope.csv
	[ -z "$output" ]
	[ "$stderr" = "ffs-split: cannot read 'nope.csv': No such file or directory" ]
	run -1 --separate-stderr ffs-split .
	[[ $stderr == *"Is a directory" ]]
}

@test "a file that may not be read is exit 4" {
	echo a >x.csv
	chmod 0 x.csv
	[ ! -r x.csv ] || may_skip "root reads all files"
	run -4 --separate-stderr ffs-split x.csv
}

# --- bytes ---

@test "the chunks one after the other are the input: line ends, no last one, byte-order mark" {
	printf 'a,b\nc,d\ne,f\n' >lf.csv
	printf 'a,b\r\nc,d\r\ne,f\r\n' >crlf.csv
	printf 'a,b\rc,d\re,f' >cr.csv
	printf 'a,b\nc,d\ne,f' >nolast.csv
	printf 'a,b\r\nc,d\r' >crlast.csv
	printf '\xef\xbb\xbf"a,b",c\nd,e\n' >bom.csv
	printf '"a\nb",c\r\n"d\r\n\r\n""e",f\ng,"h,\n"' >quoted.csv
	printf 'a' >one.csv
	local f
	for f in *.csv; do
		round_trip "$f" -r 1
		round_trip "$f" -r 2
		round_trip "$f" -s 3
		round_trip "$f"
	done
	ffs-split -r 1 quoted.csv >q.tar
	[ "$(chunks q.tar)" -eq 3 ]
	ffs-split -r 1 crlf.csv >q.tar
	[ "$(chunks q.tar)" -eq 3 ]
	ffs-split -r 1 cr.csv >q.tar
	[ "$(chunks q.tar)" -eq 3 ]
}

@test "bytes that come one at a time make the same stream" {
	printf '\xef\xbb\xbf"a\r\nb",c\r\n"d",e\r\nf,"g""h"' >x.csv
	ffs-split -n x -r 1 x.csv | tar xO >want
	ffs-split -n x.csv -r 1 x.csv >seek.tar
	while IFS= read -r -n 1 -d '' c || [ -n "$c" ]; do printf '%s' "$c"; done <x.csv | ffs-split -n x.csv -r 1 >pipe.tar
	tar -xOf pipe.tar | cmp - x.csv
	cmp want x.csv
	tar -tf seek.tar >a
	tar -tf pipe.tar >b
	cmp a b
}

@test "the stream is the same on every run, and GNU tar says nothing" {
	ffs-split -n x "${sample}_orderbook_10.csv" >a.tar
	TZ=Asia/Tokyo ffs-split -n x "${sample}_orderbook_10.csv" >b.tar
	cmp a.tar b.tar
	run -0 --separate-stderr tar -tvf a.tar
	[ -z "$stderr" ]
	run -0 --separate-stderr tar -xf a.tar
	[ -z "$stderr" ]
	cmp x/00000.csv "${sample}_orderbook_10.csv"
}

@test "the entries carry rows, columns and a CRC32C that is right" {
	printf '123456789' >x.csv
	ffs-split x.csv >x.tar
	[ "$(attr x.tar x/00000.csv crc32c)" = e3069283 ]
	[ "$(attr x.tar x/00000.csv columns)" = 1 ]
	[ "$(attr x.tar x/00000.csv input_bytes)" = 9 ]
	seq 25 | sed 's/$/,x,y/' >y.csv
	ffs-split -r 10 y.csv >y.tar
	[ "$(attr y.tar y/00002.csv first_row)" = 20 ]
	[ "$(attr y.tar y/00002.csv rows)" = 5 ]
	[ "$(attr y.tar y/00002.csv columns)" = 3 ]
	[ "$(attr y.tar y/00002.csv time_first)" = none ]
	[ "$(attr y.tar y/00002.csv header_bytes)" = none ]
}

# --- how large chunks are ---

@test "by default a chunk has 1,000 rows, or as many thousands as reach 1 MiB" {
	awk 'BEGIN { s = sprintf("%1200s", ""); gsub(" ", "x", s); for (i = 0; i < 2500; i++) print s }' >wide.csv
	ffs-split wide.csv >t.tar
	[ "$(chunks t.tar)" -eq 3 ]
	[ "$(attr t.tar wide/00000.csv rows)" = 1000 ]
	[ "$(attr t.tar wide/00002.csv rows)" = 500 ]
	awk 'BEGIN { s = sprintf("%400s", ""); gsub(" ", "x", s); for (i = 0; i < 7000; i++) print s }' >mid.csv
	ffs-split mid.csv >t.tar
	[ "$(attr t.tar mid/00000.csv rows)" = 3000 ]
	[ "$(attr t.tar mid/00001.csv rows)" = 3000 ]
	[ "$(attr t.tar mid/00002.csv rows)" = 1000 ]
}

@test "the first chunk decides: later ones have as many rows, whatever their size" {
	awk 'BEGIN { s = sprintf("%1200s", ""); gsub(" ", "x", s); for (i = 0; i < 1000; i++) print s
		for (i = 0; i < 1500; i++) print "y" }' >x.csv
	ffs-split x.csv >t.tar
	[ "$(attr t.tar x/00001.csv rows)" = 1000 ]
	[ "$(attr t.tar x/00002.csv rows)" = 500 ]
}

@test "-s never goes over the size unless one row is longer" {
	printf '1234\n12345678901234567890\n12\n123\n1\n1\n' >x.csv
	ffs-split -s 8 x.csv >t.tar
	run -0 tar -tvf t.tar
	[ "$(awk '{ print $3 }' <<<"$output" | tr '\n' ' ')" = "5 21 7 4 " ]
	[ "$(attr t.tar x/00002.csv first_row)" = 2 ]
}

@test "with -r and -s a chunk ends at what comes first" {
	printf '1\n2\n3\n4567\n8\n' >x.csv
	ffs-split -r 2 -s 6 x.csv >t.tar
	run -0 tar -tvf t.tar
	[ "$(awk '{ print $3 }' <<<"$output" | tr '\n' ' ')" = "4 2 5 2 " ]
}

@test "more than 100,000 chunks get longer names" {
	seq 100001 >x.csv
	ffs-split -r 1 x.csv | tar t >names
	[ "$(sed -n 1p names)" = x/00000.csv ]
	[ "$(sed -n 100000p names)" = x/99999.csv ]
	[ "$(sed -n 100001p names)" = x/100000.csv ]
}

# --- rows ---

@test "a row with other columns ends the run and is named by its line" {
	printf 'a,b\n"c\nd",e\nf\n' >x.csv
	run -1 --separate-stderr bash -c 'ffs-split x.csv >out'
	[ "$stderr" = "ffs-split: 'x.csv': line 4: 1 column, expected 2" ]
	printf 'a,b\r\nc,d,e\r\n' >x.csv
	run -1 --separate-stderr bash -c 'ffs-split x.csv >out'
	[ "$stderr" = "ffs-split: 'x.csv': line 2: 3 columns, expected 2" ]
}

@test "a blank line is a ragged row, wherever it is" {
	local text
	for text in 'a\n\nb\n' 'a\n \t\nb\n' 'a\nb\n\n' 'a\r\n\r\nb\r\n' 'a\r\rb'; do
		# shellcheck disable=SC2059
		printf "$text" >x.csv
		run -1 --separate-stderr bash -c 'ffs-split x.csv >out'
		[[ $stderr =~ ^"ffs-split: 'x.csv': line "[23]": blank line"$ ]]
		round_trip x.csv --ragged
	done
}

@test "--ragged takes rows of any columns, and counts blank ones" {
	printf 'a,b\n\nc\nd,e,f\n' >x.csv
	round_trip x.csv --ragged -r 3
	ffs-split --ragged x.csv >t.tar
	[ "$(attr t.tar x/00000.csv rows)" = 4 ]
	[ "$(attr t.tar x/00000.csv columns)" = 2 ]
}

@test "a quote that is never closed is named by its line" {
	printf 'a,b\n"c\nd","e\nf,g\n' >x.csv
	run -1 --separate-stderr bash -c 'ffs-split x.csv >out'
	[ "$stderr" = "ffs-split: 'x.csv': line 3: quote is never closed" ]
	run -1 --separate-stderr bash -c 'ffs-split --ragged x.csv >out'
	[ "$stderr" = "ffs-split: 'x.csv': line 3: quote is never closed" ]
}

@test "a row that never ends is refused before it eats the memory" {
	run -1 --separate-stderr bash -c '(echo "a"; printf "\""; head -c 100000000 /dev/zero | tr "\0" x) | ffs-split -n x >out'
	[[ $stderr == *"'stdin': line 2: row is over 64 MiB"* ]]
}

@test "an input without rows is an error" {
	: >x.csv
	run -1 --separate-stderr bash -c 'ffs-split x.csv >out'
	[ "$stderr" = "ffs-split: 'x.csv': no rows" ]
	run -1 --separate-stderr bash -c 'ffs-split </dev/null >out'
	[ "$stderr" = "ffs-split: 'stdin': no rows" ]
	echo a,b >x.csv
	run -1 --separate-stderr bash -c 'ffs-split --header x.csv >out'
	[ "$stderr" = "ffs-split: 'x.csv': no rows" ]
	gzip x.csv
	: | gzip >x.csv.gz
	run -1 --separate-stderr bash -c 'ffs-split x.csv.gz >out'
	[ "$stderr" = "ffs-split: 'x.csv.gz': no rows" ]
}

@test "another delimiter, a tab too" {
	printf 'a;b,c\nd;e\n' >x.csv
	round_trip x.csv -d ';'
	[ "$(attr rt.tar rt/00000.csv columns)" = 2 ]
	printf 'a\tb c\n\t\n"d\te"\tf\n' >x.csv
	round_trip x.csv -d '\t'
	round_trip x.csv -d $'\t'
	[ "$(attr rt.tar rt/00000.csv rows)" = 3 ]
	[ "$(attr rt.tar rt/00000.csv columns)" = 2 ]
}

# --- header and times ---

@test "--header begins every chunk with the header row" {
	printf '"t\n1",b\n1,2\n3,4\n5,6\n' >x.csv
	ffs-split --header -r 2 x.csv >t.tar
	tar -xf t.tar
	printf '"t\n1",b\n1,2\n3,4\n' | cmp - x/00000.csv
	printf '"t\n1",b\n5,6\n' | cmp - x/00001.csv
	[ "$(attr t.tar x/00001.csv header_bytes)" = 8 ]
	[ "$(attr t.tar x/00001.csv first_row)" = 2 ]
	[ "$(attr t.tar x/00001.csv rows)" = 1 ]
	# The CRC is that of all bytes of the entry, the header's too.
	printf 'x\n123456789' >y.csv
	ffs-split --header y.csv >a.tar
	ffs-split -n y y.csv >b.tar
	[ "$(attr a.tar y/00000.csv crc32c)" = "$(attr b.tar y/00000.csv crc32c)" ]
}

@test "--header counts for -s" {
	printf 'head\n1\n2\n3\n' >x.csv
	ffs-split --header -s 9 x.csv >t.tar
	run -0 tar -tvf t.tar
	[ "$(awk '{ print $3 }' <<<"$output" | tr '\n' ' ')" = "9 7 " ]
}

@test "--time-col keeps the first and last time of each chunk as they are spelled" {
	printf 'x,t\na, 1.50 \nb,"1.5"\nc,1.500000000001\nd,20\n' >x.csv
	ffs-split --header --time-col 2 -r 2 x.csv >t.tar
	[ "$(attr t.tar x/00000.csv time_first)" = 1.50 ]
	[ "$(attr t.tar x/00000.csv time_last)" = 1.5 ]
	[ "$(attr t.tar x/00001.csv time_first)" = 1.500000000001 ]
	[ "$(attr t.tar x/00001.csv time_last)" = 20 ]
	[ "$(attr t.tar x/00001.csv time_col)" = 2 ]
}

@test "a delimiter that is no comma goes with the chunks, not with messages" {
	printf 'a;1\nb;2\n' >x.csv
	ffs-split -d ';' -r 1 x.csv >t.tar
	[ "$(attr t.tar x/00000.csv delimiter)" = ';' ]
	[ "$(attr t.tar x/00001.csv delimiter)" = ';' ]
	ffs-split -d , x.csv >t.tar
	[ "$(attr t.tar x/00000.csv delimiter)" = none ]
	printf '1\t2\t3\t4\n' >b.csv
	printf '1,2,3,4,5,6\n' >m.csv
	ffs-split -d '\t' -m m.csv -n b b.csv >t.tar
	[ "$(attr t.tar b/00000.csv delimiter)" = $'\t' ]
	[ "$(attr t.tar b/00000.message.csv delimiter)" = none ]
}

@test "times that run backwards, are none or are not there are errors with their line" {
	printf '1,a\n2,b\n1.9,c\n' >x.csv
	run -1 --separate-stderr bash -c 'ffs-split -r 1 --time-col 1 x.csv >out'
	[ "$stderr" = "ffs-split: 'x.csv': line 3: time runs backwards, to 1.9" ]
	run -1 --separate-stderr bash -c 'ffs-split --time-col 2 x.csv >out'
	[[ $stderr == "ffs-split: 'x.csv': line 1: no time "* ]]
	run -1 --separate-stderr bash -c 'ffs-split --time-col 3 x.csv >out'
	[[ $stderr == "ffs-split: 'x.csv': line 1: no time "* ]]
}

# --- names ---

@test "the dataset is the file's name without compression and extension, or stdin, or -n" {
	echo a >x.y.csv
	gzip -k x.y.csv
	echo a >plain
	local want
	for want in x.y.csv=x.y x.y.csv.gz=x.y plain=plain -=stdin; do
		run -0 bash -c 'ffs-split "$1" <plain | tar t' - "${want%=*}"
		[ "$output" = "${want#*=}/00000.csv" ]
	done
	run -0 bash -c 'ffs-split -n a/b-1 plain | tar t'
	[ "$output" = a/b-1/00000.csv ]
}

@test "a name that is none is refused" {
	echo a >'my file.csv'
	usage_error ffs-split 'my file.csv'
	[ "$why" = "'my file.csv': this makes no name for a dataset: give one with -n" ]
	local bad
	for bad in '' /a a/ a//b ../a .a a/../b 'a b' 'a@1' 'a*' $'a\nb' '{ticker}' '{x}'; do
		usage_error ffs-split -n "$bad" 'my file.csv'
	done
}

@test "several files are a dataset each, and one name is not enough for them" {
	echo a >x.csv
	echo b,c >y.csv
	run -0 bash -c 'ffs-split x.csv y.csv | tar t'
	[ "$output" = $'x/00000.csv\ny/00000.csv' ]
	usage_error ffs-split -n z x.csv y.csv
	[ "$why" = "-n 'z' names one dataset, here are 2" ]
	mkdir d
	cp y.csv d/x.csv
	usage_error ffs-split x.csv d/x.csv
	[ "$why" = "'x.csv' and 'd/x.csv' would be one dataset: split one, with -n" ] ||
		[ "$why" = "'d/x.csv' and 'x.csv' would be one dataset: split one, with -n" ]
	usage_error ffs-split - -
	[ "$why" = "stdin can be read once only" ]
}

# --- compression and archives ---

@test "compressed input is known by its content" {
	cp "${sample}_orderbook_10.csv" book.csv
	ffs-split -n x book.csv | tar xO >want
	local c
	for c in gzip bzip2 xz zstd; do
		command -v "$c" >/dev/null || continue
		"$c" -qc <book.csv >packed.csv
		ffs-split -n x packed.csv | tar xO | cmp - want
		ffs-split -n x <packed.csv | tar xO | cmp - want
		bash -c 'cat packed.csv | ffs-split -n x' | tar xO | cmp - want
	done
	# Members of gzip one behind the other are one file.
	(head -n 10 book.csv | gzip; tail -n +11 book.csv | gzip) >packed.csv
	ffs-split -n x packed.csv | tar xO | cmp - want
}

@test "a CSV that looks a little like something else is a CSV" {
	printf 'BZh9,b\nc,d\n' >bz.csv
	printf 'PK,b\nc,d\n' >pk.csv
	printf '#mtree\nx type=file\n' >mtree.csv
	printf 'begin 644 x\nc\n' >uu.csv
	local f
	for f in *.csv; do round_trip "$f" --ragged; done
}

@test "truncated or corrupt compressed input is an error, and the stream is no archive" {
	local c
	for c in gzip bzip2 xz zstd; do
		command -v "$c" >/dev/null || continue
		"$c" -qc <"${sample}_orderbook_10.csv" >x.packed
		head -c $(($(stat -c %s x.packed) / 2)) x.packed >half
		run -1 --separate-stderr bash -c 'ffs-split -r 10 -n x half >out.tar'
		[[ $stderr == "ffs-split: cannot read 'half': "* ]]
		run -2 tar -tf out.tar
	done
}

@test "a zip whose member is not as long as it says is an error of one line" {
	seq 100000 | sed 's/$/,aaaaaaaaaaaaaaaaaaaa/' >a.csv
	bsdtar --format zip -cf a.zip a.csv
	# The size before compression.
	printf '\x01' | dd of=a.zip bs=1 seek=22 conv=notrunc status=none
	run -1 bash -c 'ffs-split -C out a.zip 2>err'
	[ "$(wc -l <err)" -eq 1 ]
	[[ $(cat err) == "ffs-split: cannot read 'a.zip:a.csv': "* ]]
	[ ! -e out/a ]
}

@test "a gzip file whose checksum is wrong is an error, also from a pipe" {
	gzip -nc <"${sample}_orderbook_10.csv" >x.gz
	local size
	size=$(stat -c %s x.gz)
	printf '\x01\x02\x03\x04' | dd of=x.gz bs=1 seek=$((size - 8)) conv=notrunc status=none
	run -1 --separate-stderr bash -c 'ffs-split -n x x.gz >out.tar'
	[ "$stderr" = "ffs-split: cannot read 'x.gz': gzip's checksum does not match" ]
	run -1 --separate-stderr bash -c 'cat x.gz | ffs-split -n x >out.tar'
	[ "$stderr" = "ffs-split: cannot read 'stdin': gzip's checksum does not match" ]
}

@test "members of an archive: the only one, or those that --member names" {
	mkdir d
	echo 1,2 >d/a.csv
	echo 3,4 >d/b.csv
	echo text >README
	bsdtar --format zip -cf one.zip d/a.csv
	bsdtar --format zip -n -cf two.zip d d/a.csv d/b.csv README # not in the directory's own order
	local f
	bsdtar --format 7zip -n -cf two.7z d d/a.csv d/b.csv README
	tar czf two.tgz --no-recursion d d/a.csv d/b.csv README
	run -0 bash -c 'ffs-split one.zip | tar t'
	[ "$output" = a/00000.csv ]
	run -0 bash -c 'ffs-split -n x <one.zip | tar t'
	run -0 bash -c 'cat one.zip | ffs-split | tar xO'
	[ "$output" = 1,2 ]
	for f in two.zip two.7z two.tgz; do
		usage_error ffs-split "$f"
		[[ $why == *"one of several members: choose with --member" ]]
		run -0 bash -c 'ffs-split --member "*.csv" "$1" | tar t' - "$f"
		[ "$output" = $'a/00000.csv\nb/00000.csv' ]
		run -0 bash -c 'ffs-split --member "d/b*" "$1" | tar xO' - "$f"
		[ "$output" = 3,4 ]
		run -3 --separate-stderr ffs-split --member nope "$f"
		[ "$stderr" = "ffs-split: '$f': no member matches" ]
	done
}

@test "an archive on a pipe gives one member, and says what needs a file" {
	echo 1,2 >a.csv
	echo 3,4 >b.csv
	bsdtar --format zip -cf two.zip a.csv b.csv
	bsdtar --format 7zip -cf two.7z a.csv
	run -0 bash -c 'cat two.zip | ffs-split --member b.csv | tar xO'
	[ "$output" = 3,4 ]
	run -1 --separate-stderr bash -c 'cat two.zip | ffs-split >out.tar'
	[ "$stderr" = "ffs-split: 'stdin': several members need a seekable file, or one --member" ]
	run -2 tar -tf out.tar
	run -1 --separate-stderr bash -c 'cat two.7z | ffs-split >out.tar'
	[ "$stderr" = "ffs-split: cannot read 'stdin': 7z needs a seekable file, not a pipe" ]
	run -0 bash -c 'ffs-split -n x <two.7z | tar xO'
	[ "$output" = 1,2 ]
}

@test "an archive without files is an error" {
	mkdir d
	bsdtar --format zip -cf none.zip d
	run -3 --separate-stderr ffs-split none.zip
	[ "$stderr" = "ffs-split: 'none.zip': no files in this archive" ]
}

@test "hostile names of members do not reach the terminal, nor the file system" {
	/usr/bin/python3 - <<-'EOF'
	import io, tarfile
	def make(path, *names):
	    with tarfile.open(path, "w") as t:
	        for n in names:
	            i = tarfile.TarInfo(n)
	            i.size = 4
	            t.addfile(i, io.BytesIO(b"a,b\n"))
	make("esc.tar", "\x1b[31mred\x07.csv", "b.csv")
	make("up.tar", "../../x/..")
	make("up2.tar", "../../evil.csv")
	EOF
	usage_error ffs-split --member '*red*' esc.tar
	[[ $stderr != *$'\x1b'* && $stderr != *$'\x07'* ]]
	[[ $stderr == *"?[31mred?.csv"* ]]
	usage_error ffs-split up.tar
	run -0 ffs-split -C d up2.tar
	[ -f d/evil/00000.csv ]
}

# --- LOBSTER ---

@test "a pair by -m: both cut at the same rows, times from the messages" {
	ffs-split -n lob -r 300 -m "${sample}_message_10.csv" "${sample}_orderbook_10.csv" >t.tar
	tar -xf t.tar
	cat lob/0000[0-9].csv | cmp - "${sample}_orderbook_10.csv"
	cat lob/*.message.csv | cmp - "${sample}_message_10.csv"
	run -0 tar -tf t.tar
	[ "${lines[0]}" = lob/00000.csv ]
	[ "${lines[1]}" = lob/00000.message.csv ]
	[ "$(attr t.tar lob/00001.csv time_first)" = "$(sed -n '301s/,.*//p' "${sample}_message_10.csv")" ]
	[ "$(attr t.tar lob/00001.csv time_last)" = "$(sed -n '600s/,.*//p' "${sample}_message_10.csv")" ]
	[ "$(attr t.tar lob/00001.message.csv rows)" = 300 ]
	[ "$(attr t.tar lob/00001.message.csv columns)" = 6 ]
	[ "$(attr t.tar lob/00001.csv time_col)" = none ]
}

@test "files of LOBSTER are paired by their names and make TICKER/DATE" {
	make_pair d AAPL 2012-06-21 2 5
	make_pair d AAPL 2012-06-22 2 4
	make_pair e MSFT 2012-06-21 2 3
	run -0 --separate-stderr bash -c 'ffs-split d/*book* e/*message* d/*message* e/*book* | tar t'
	[ -z "$stderr" ]
	[ "$output" = "AAPL/2012-06-21/00000.csv
AAPL/2012-06-21/00000.message.csv
AAPL/2012-06-22/00000.csv
AAPL/2012-06-22/00000.message.csv
MSFT/2012-06-21/00000.csv
MSFT/2012-06-21/00000.message.csv" ]
}

@test "pairs inside zip, 7z and tar.gz, and across them, give the same stream as the files" {
	make_pair d AAPL 2012-06-21 2 2500
	make_pair d MSFT 2012-06-21 2 1000
	make_pair d AAPL 2012-06-22 3 1001
	ffs-split d/*book* d/*message* >files.tar
	(cd d && bsdtar --format zip -cf ../a.zip ./* && bsdtar --format 7zip -cf ../a.7z ./* && tar czf ../a.tgz ./* &&
		bsdtar --format zip -cf ../books.zip ./*book* && bsdtar --format 7zip -cf ../messages.7z ./*message*)
	tar -xOf files.tar >want
	local f
	for f in a.zip a.7z a.tgz "books.zip messages.7z" "messages.7z books.zip"; do
		# shellcheck disable=SC2086
		ffs-split $f >t.tar
		tar -xOf t.tar | cmp - want
		[ "$(attr t.tar AAPL/2012-06-21/00000.csv time_last)" = "$(attr files.tar AAPL/2012-06-21/00000.csv time_last)" ]
	done
}

@test "other members beside LOBSTER's are skipped by name, quietly with -q" {
	make_pair d AAPL 2012-06-21 1 3
	echo hello >d/LOBSTER_SampleFiles_ReadMe.txt
	bsdtar --format zip -cf a.zip d
	run -0 --separate-stderr bash -c 'ffs-split a.zip | tar t'
	[ "$stderr" = "ffs-split: 'a.zip:d/LOBSTER_SampleFiles_ReadMe.txt': skipped, its name is not LOBSTER's" ]
	[ "${#lines[@]}" -eq 2 ]
	run -0 --separate-stderr bash -c 'ffs-split -q a.zip | tar t'
	[ -z "$stderr" ]
}

@test "a book without messages is said, messages without a book fail, the rest is there" {
	make_pair d AAPL 2012-06-21 1 3
	make_pair d MSFT 2012-06-21 1 3
	rm d/AAPL*message* d/MSFT*book*
	run -1 --separate-stderr bash -c 'ffs-split d/* >t.tar'
	[[ $stderr == *"orderbook_1.csv': no message file beside it: without times"* ]]
	[[ $stderr == *"MSFT_2012-06-21_34200000_37800000_message_1.csv': skipped, its order book is not there"* ]]
	run -0 tar -tf t.tar
	[ "$output" = AAPL/2012-06-21/00000.csv ]
	run -1 --separate-stderr bash -c 'ffs-split d/MSFT* >t.tar'
	[[ $stderr == *"nothing to split"* ]]
}

@test "-n takes ticker, date and level, and two levels of a day need the latter" {
	make_pair d AAPL 2012-06-21 1 3
	make_pair d AAPL 2012-06-21 2 3
	usage_error ffs-split d/*
	[[ $why == *"orderbook_1.csv' and "*"orderbook_2.csv' would be one dataset: use -n with {level}"* ]] ||
		[[ $why == *"orderbook_2.csv' and "*"orderbook_1.csv' would be one dataset: use -n with {level}"* ]]
	run -0 bash -c 'ffs-split -n "x/{date}/{ticker}-{level}" d/* | tar t | grep -v message'
	[ "$output" = $'x/2012-06-21/AAPL-1/00000.csv\nx/2012-06-21/AAPL-2/00000.csv' ]
}

@test "an order book has four columns a level, a message file six" {
	make_pair d AAPL 2012-06-21 2 3
	mv d/AAPL_2012-06-21_34200000_37800000_orderbook_2.csv d/AAPL_2012-06-21_34200000_37800000_orderbook_3.csv
	run -1 --separate-stderr bash -c 'ffs-split -q d/*book* >out'
	[[ $stderr == *"orderbook_3.csv': line 1: 8 columns, expected 12" ]]
	echo 1,2,3 >b.csv
	run -1 --separate-stderr bash -c 'ffs-split -m d/*message* b.csv >out'
	[ "$stderr" = "ffs-split: 'b.csv': line 1: 3 columns, an order book has 4 a level" ]
	echo 1,2,3,4 >b.csv
	echo 1,2,3,4,5 >m.csv
	run -1 --separate-stderr bash -c 'ffs-split -m m.csv b.csv >out'
	[ "$stderr" = "ffs-split: 'm.csv': line 1: 5 columns, expected 6" ]
}

@test "unequal numbers of rows are an error, and the stream is no archive" {
	make_pair d AAPL 2012-06-21 1 1500
	head -n 1499 d/*message* >m.csv
	run -1 --separate-stderr bash -c 'ffs-split -n x -m m.csv d/*book* >out.tar'
	[[ $stderr == *"'m.csv': ends after 1499 rows, but 'd/"*"' goes on" ]]
	run -2 tar -tf out.tar
	(cat d/*message*; echo 99999,1,2,3,4,1) >m.csv
	run -1 --separate-stderr bash -c 'ffs-split -n x -m m.csv d/*book* >out.tar'
	[[ $stderr == *"'m.csv': line 1501: more rows than 'd/"*"' has (1500)" ]]
	run -2 tar -tf out.tar
	start_node
	run -1 --separate-stderr bash -c 'ffs-load -q <out.tar'
	run -3 --separate-stderr ffs-get x
}

@test "a message file's time must not run backwards" {
	make_pair d AAPL 2012-06-21 1 10
	sed -i '6s/^[^,]*/34200.4/' d/*message*
	run -1 --separate-stderr bash -c 'ffs-split d/* >out.tar'
	[[ $stderr == *"message_1.csv': line 6: time runs backwards, to 34200.4" ]]
}

@test "-m takes exactly one order book" {
	make_pair d AAPL 2012-06-21 1 3
	make_pair d MSFT 2012-06-21 1 3
	usage_error ffs-split -m d/AAPL*message* d/*book*
	[ "$why" = "-m takes one order book and one message file" ]
}

@test "messages may come through a pipe" {
	ffs-split -n x -m "${sample}_message_10.csv" "${sample}_orderbook_10.csv" >want.tar
	gzip -c "${sample}_message_10.csv" >m.gz
	bash -c 'ffs-split -n x -m <(cat m.gz) "$1"' - "${sample}_orderbook_10.csv" >t.tar
	cmp want.tar t.tar
}

@test "the real book and its messages come out as they went in" {
	[ -d "$shared" ] || may_skip "no shared data"
	local name=AAPL_2012-06-21_34200000_37800000
	xz -dc "$shared/${name}_orderbook_50.reconstructed.csv.xz" >book.csv
	ffs-split "$shared/${name}_orderbook_50.reconstructed.csv.xz" "$shared/${name}_message_50.csv" >t.tar
	[ "$(chunks t.tar)" -eq 184 ]
	tar -xf t.tar
	rm t.tar
	cat AAPL/2012-06-21/000??.csv | cmp - book.csv
	cat AAPL/2012-06-21/*.message.csv | cmp - "$shared/${name}_message_50.csv"
}

# --- files ---

@test "-C writes files with the attributes of the stream, and ffs-load takes them" {
	seq 25 | sed 's/$/,x/' >x.csv
	ffs-split -r 10 -C dir/new x.csv
	[ "$(ls -A dir/new)" = x ]
	run -0 ls -A dir/new/x
	[ "$output" = $'00000.csv\n00001.csv\n00002.csv' ]
	[ "$(stat -c %a dir/new/x)" = "$(printf '%o' $((0777 & ~$(umask))))" ]
	start_node
	(cd dir/new && ffs-load -q x/*.csv)
	run -0 ffs-get x
	[ "$output" = "$(cat x.csv)" ]
	command -v getfattr >/dev/null || may_skip "no getfattr"
	touch probe
	setfattr -n user.probe -v 1 probe 2>/dev/null || may_skip "no user xattrs here"
	[ "$(getfattr --only-values -n user.ffs.first_row dir/new/x/00002.csv)" = 20 ]
}

@test "-C does not touch a dataset that is there, and takes an empty directory" {
	seq 5 >x.csv
	mkdir -p dir/x
	ffs-split -C dir x.csv
	[ -f dir/x/00000.csv ]
	run -1 --separate-stderr ffs-split -C dir -r 1 x.csv
	[ "$stderr" = "ffs-split: cannot begin 'x': such a directory is there" ]
	echo here >file
	run -1 --separate-stderr ffs-split -C file x.csv
	[ "$stderr" = "ffs-split: cannot begin 'x': Not a directory" ]
	[ "$(cat file)" = here ]
	[ "$(ls -A dir/x)" = 00000.csv ]
	[ "$(ls -A dir)" = x ]
}

@test "-C leaves nothing after an error or a signal" {
	printf 'a\nb\nc,d\n' >x.csv
	run -1 ffs-split -r 1 -C dir x.csv
	[ ! -e dir ]
	mkdir dir
	run -1 ffs-split -r 1 -n a/b -C dir/new//c x.csv
	[ -z "$(ls -A dir)" ]
	# What others made stays, as does what is not empty.
	mkdir -p dir/a
	run -1 ffs-split -r 1 -n a/b -C dir x.csv
	[ "$(ls -A dir)" = a ]
	echo a >good.csv
	run -1 ffs-split -r 1 -C new good.csv x.csv
	[ "$(ls -A new)" = good ]
	rmdir dir/a
	mkfifo in
	ffs-split -r 1 -n x -C dir in 2>err 3>&- &
	local pid=$!
	pids+=("$pid")
	exec 4>in
	echo a >&4
	seq 1000 >&4
	until_true 20 bash -c 'ls -A dir/.x.*/ 2>&1 | grep -q 00000.csv'
	kill -TERM "$pid"
	local rc=0
	wait "$pid" || rc=$?
	exec 4>&-
	[ "$rc" -eq 143 ]
	[ -z "$(ls -A dir)" ]
}

@test "a full disk is exit 1, says so and leaves nothing" {
	need_root
	mkdir small
	mount -t tmpfs -o size=1m tmpfs small 2>/dev/null || need "cannot mount a tmpfs"
	awk 'BEGIN { for (i = 0; i < 400000; i++) print i "," i }' >x.csv
	local rc=0
	ffs-split -s 100k -n AAPL/x -C small x.csv 2>err || rc=$?
	local left
	left=$(ls -A small)
	umount small
	[ "$rc" -eq 1 ]
	run -0 cat err
	[[ $output == "ffs-split: cannot write 'AAPL/x/000"*": No space left on device" ]]
	[ -z "$left" ]
}

@test "a disk without room for another directory is left as it was" {
	need_root
	mkdir small
	mount -t tmpfs -o nr_inodes=4 tmpfs small 2>/dev/null || need "cannot mount a tmpfs"
	echo a >x.csv
	local rc=0 left
	ffs-split -n a/b/c/d/e -C small x.csv 2>err || rc=$?
	left=$(ls -A small)
	umount small
	[ "$rc" -eq 1 ]
	run -0 cat err
	[[ $output == "ffs-split: cannot begin 'a/b/c/d/e': No space left on device" ]]
	[ -z "$left" ]
}

# --- the other end of the pipe ---

@test "a full disk behind stdout is exit 1" {
	seq 1000 >x.csv
	run -1 --separate-stderr bash -c 'ffs-split x.csv >/dev/full'
	[[ $stderr == "ffs-split: cannot write 'x/00000.csv': No space left on device" ]]
}

@test "a closed pipe ends it silently by SIGPIPE, also where that is ignored" {
	seq 1000000 >x.csv
	run -0 --separate-stderr bash -c 'ffs-split -r 1000 x.csv | head -c 1000 >/dev/null; echo "${PIPESTATUS[0]}"'
	[ "$output" = 141 ]
	[ -z "$stderr" ]
	run -0 --separate-stderr bash -c 'trap "" PIPE; ffs-split -r 1000 x.csv | head -c 1000 >/dev/null; echo "${PIPESTATUS[0]}"'
	[ "$output" = 141 ]
	[ -z "$stderr" ]
}

@test "a file that shrinks while it is read is no crash" {
	seq 3000000 >x.csv
	mkfifo out
	ffs-split -r 1000 x.csv >out 2>err 3>&- &
	local pid=$!
	pids+=("$pid")
	exec 4<out
	head -c 100 <&4 >/dev/null
	: >x.csv
	cat <&4 >/dev/null
	exec 4<&-
	local rc=0
	wait "$pid" || rc=$?
	[ "$rc" -le 1 ]
}

@test "memory stays small for any length of input" {
	need_cmd prlimit
	# 80 MB of address space: libraries, and less than the input by far.
	[[ -z ${FFS_TEST_BUILD-} || $FFS_TEST_BUILD != *dev* ]] || may_skip "sanitizers need address space"
	run -0 bash -c 'yes 1234567890,abcdefghij,1234567890 | head -n 10000000 | prlimit --as=80000000 ffs-split -n x | wc -c'
	[ "$output" -gt 330000000 ]
}

@test "a summary goes to stderr with -v, and nothing without" {
	seq 10 >x.csv
	run -0 --separate-stderr bash -c 'ffs-split -r 4 x.csv >t.tar'
	[ -z "$stderr" ]
	run -0 --separate-stderr bash -c 'ffs-split -v -r 4 x.csv >t.tar'
	[[ $stderr == "ffs-split: 1 dataset, 10 rows, 3 chunks, "* ]]
	run -0 --separate-stderr bash -c 'ffs-split -vq -r 4 x.csv >t.tar'
	[ -z "$stderr" ]
}

@test "through the store and back it is the same, header once" {
	start_node
	(echo a,b && seq 1000 | sed 's/$/,"x\ny"/' && printf 'last,"row"') | sed 's/\\n/\n/' >x.csv
	ffs-split --header -r 100 x.csv | ffs-load -q
	ffs-get x | cmp - x.csv
}
