# Every command in the EXAMPLES of every page runs, and every recipe of ffs.7.
# It is about the pages: what the programs do there has tests of its own.
# bats file_tags=plain
load helper.bash

bats_require_minimum_version 1.8.0

man=$BATS_TEST_DIRNAME/../man
export sample=$BATS_TEST_DIRNAME/../testdata/DEMO_2012-06-21_34200000_37800000

# examples PAGE [SUBSECTION]: the commands of its EXAMPLES, each ended by a NUL byte. A line that
# begins with "$ " is a command; in a display without such lines all lines together are one.
examples() {
	awk -v want="${2-}" '
	function add(text) { gsub(/\\e/, "\\", text); gsub(/\\&/, "", text); gsub(/\\\(aq/, "\047", text); gsub(/\\\(dq/, "\"", text)
		gsub(/\\-/, "-", text); return text }
	function give(text) { if (text != "") printf "%s%c", text, 0 }
	/^\.Sh/ { on = $0 == ".Sh EXAMPLES"; next }
	!on { next }
	/^\.Ss/ { sub_is = substr($0, 5); next }
	sub_is != want && want != "" { next }
	/^\.Dl / { text = add(substr($0, 5)); sub(/^[$#] /, "", text); give(text); next }
	/^\.Bd/ { display = 1; text = ""; shell = 0; next }
	/^\.Ed/ { display = 0; give(text); next }
	display && /^[$#] / { give(text); text = add(substr($0, 3)) "\n"; shell = 1; next }
	display && shell && text !~ /[\\|&]\n$/ { next }
	display { text = text add($0) "\n" }' "$1"
}

# What the pages talk about: a store, lobster.csv with message.csv beside it, a dataset of it.
prepare() {
	start_node
	cp "${sample}_orderbook_10.csv" lobster.csv
	cp "${sample}_message_10.csv" message.csv
}

load_lobster() {
	ffs-split -n lobster -m message.csv lobster.csv | ffs-load -q
}

# Removes every dataset.
unload() {
	local dataset
	for dataset in $(ffs-get --list --json 2>/dev/null | jq -r .dataset); do ffs-load -q --delete "$dataset"; done
}

# A store in the foreground would stay: it is asked to end when it has said where it is.
run_server() {
	local command=$1
	[[ $command == *--listen* ]] || command+=" --listen 127.0.0.1:0"
	rm -f served
	bash -c "exec ${command//:9000/:0}" >served 2>served.log 3>&- &
	local pid=$!
	pids+=("$pid")
	until_true 20 test -s served
	kill -TERM "$pid"
	local rc=0
	wait "$pid" || rc=$?
	[ "$rc" -eq 0 ] || { cat served.log >&2; return 1; }
}

run_page() {
	local page=$1 command n=0
	while IFS= read -r -d '' command <&4; do
		n=$((n + 1))
		echo "--- $command"
		# A load of its own begins without what the example before has loaded.
		case $command in
		*--replace* | *--prune* | *--delete* | *--resume*) ;;
		*ffs-load*) unload ;;
		esac
		case $command in
		*ffs-node*--serve*) run_server "$command" ;;
		*) bash -e -c "$command" </dev/null ;;
		esac
	done 4< <(examples "$page")
	[ "$n" -ge "$2" ]
}

@test "the examples of ffs-split(1) run" {
	prepare
	run_page "$man/ffs-split.1" 3
}

@test "the examples of ffs-load(1) run" {
	need_cmd jq
	prepare
	# What tar and split have made.
	mkdir lobster
	split -d -l 100 --additional-suffix=.csv lobster.csv lobster/
	split -l 100 lobster.csv
	run_page "$man/ffs-load.1" 3
}

@test "the examples of ffs-node(1) run" {
	prepare
	run_page "$man/ffs-node.1" 3
}

# What a page's sudo does in a lab: of the ffs-hotmon that stays one is left in the background,
# and ends when the next is called for.
make_sudo() {
	mkdir -p bin
	cat >bin/sudo <<-'END'
		#!/bin/bash
		if [ -s monitor ]; then
			kill -INT "$(cat monitor)"
			while [ -e "/proc/$(cat monitor)" ]; do sleep 0.02; done
			rm monitor
		fi
		[ -z "$FFS_LAB_CGROUP" ] || [[ $* == *--unpin* ]] || set -- "$@" --cgroup "$FFS_LAB_CGROUP"
		[[ $* != *pin* ]] || exec "$@"
		env --default-signal=INT "$@" >/dev/null &
		echo $! >monitor
		for ((i = 0; i < 400; i++)); do
			! ffs-hotmon --once >/dev/null 2>&1 || exit 0
			sleep 0.05
		done
		exit 1
	END
	chmod +x bin/sudo
	PATH=$PWD/bin:$PATH
}

# run_watched COMMAND: in a lab. What goes on without end is left behind when it has begun.
run_watched() {
	echo "--- $1"
	case $1 in
	*ffs-node*--serve*) run_server "$1" ;;
	"ffs-cache --serve"*amazonaws*)
		# Nobody is there who could be asked.
		: >gate.url
		bash -e -c "exec $1" <dev-null >gate.url &
		pids+=("$!")
		until_true 20 test -s gate.url
		kill -TERM "$!"
		wait "$!"
		;;
	"ffs-cache --serve"*)
		: >gate.url # of one before
		set -- "${1%&}"
		bash -e -c "exec ${1//http:\/\/127.0.0.1:9000/$AWS_ENDPOINT_URL}" <dev-null >gate.url &
		pids+=("$!")
		until_true 20 test -s gate.url
		own_keys
		ffs-get --cache=bypass --endpoint "$(head -n 1 gate.url)" lobster >/dev/null
		unset AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY
		kill -TERM "$!"
		wait "$!"
		;;
	*"ffs-cache -v"* | ffs-cache | "ffs-hotmon --json"*)
		[[ $1 != *sudo* ]] || sudo ffs-hotmon
		bash -e -c "exec ${1#sudo ffs-hotmon}" <dev-null &
		pids+=("$!")
		until_true 20 ffs-hotmon --once >/dev/null
		ffs-get lobster >/dev/null
		ffs-get lobster >/dev/null
		kill -0 "$!"
		;;
	*backtest.py*)
		cat >backtest.py <<-'END'
			import os, urllib.request
			for url in os.popen("ffs-get --list --presign lobster"):
			    assert urllib.request.urlopen(url.strip()).read()
		END
		bash -e -c "$1" <dev-null
		;;
	*) bash -e -c "$1" <dev-null ;;
	esac
}

# watched_page PAGE: its examples, in a lab with a loaded store.
watched_page() {
	local command n=0
	make_sudo
	: >dev-null
	prepare
	ffs-split -r 100 -n lobster -m message.csv lobster.csv | ffs-load -q
	while IFS= read -r -d '' command <&4; do
		n=$((n + 1))
		run_watched "$command"
	done 4< <(examples "$1")
	[ "$n" -ge 3 ]
}

@test "the examples of ffs-get(1) run" {
	in_lab watched_page "$man/ffs-get.1"
}

@test "the examples of ffs-hotmon(1) run" {
	need_cmd jq
	in_lab watched_page "$man/ffs-hotmon.1"
}

@test "the examples of ffs-cache(1) run" {
	in_lab watched_page "$man/ffs-cache.1"
}

@test "the commands of ffs.7 run" {
	prepare
	run -0 bash -c 'ffs-split -n lobster -m message.csv lobster.csv | ffs-load -q'
	grep -q 'ffs-split -n lobster -m message.csv lobster.csv | ffs-load' "$man/ffs.7"
	while IFS= read -r -d '' command <&4; do
		echo "--- $command"
		bash -e -c "$command" >out </dev/null
		[ -s out ]
	done 4< <(examples "$man/ffs.7" Shell)
}

@test "ffs.7 names every member of a manifest and every attribute of the stream" {
	need_cmd jq
	prepare
	sed '1i a,b,c,d,e,f' message.csv | tr , ';' >trades.csv
	ffs-split -r 300 -m message.csv lobster.csv | tee book.tar | ffs-load -q
	ffs-split -r 300 --header --time-col 1 -d ';' trades.csv | tee trades.tar | ffs-load -q -z
	ffs-get s3://ffs/lobster/manifest.json s3://ffs/trades/manifest.json |
		jq -r 'paths | map(strings) | last | strings' | sort -u >members
	grep -aoh 'user\.ffs\.[a-z0-9_]*' book.tar trades.tar | sort -u >attributes
	[ "$(wc -l <members)" -ge 20 ]
	[ "$(wc -l <attributes)" -ge 10 ]
	while read -r name; do
		grep -Eq "(\"|^\.Va )$name(\"| |\$)" "$man/ffs.7" || { echo "member $name" >&2; false; }
	done <members
	while read -r name; do
		grep -Eq "^\.It Va (.*Va )?$name( |\$)" "$man/ffs.7" || { echo "attribute $name" >&2; false; }
	done <attributes
}

run_tour() {
	make_sudo
	: >dev-null
	prepare
	"${FFS_TEST_BUILD:-$BATS_TEST_DIRNAME/../build}/testdata/lobster-gen" -t AAPL -r 3000 -l 50 >/dev/null
	while IFS= read -r command <&4; do
		run_watched "$command"
	done 4<tour
	run -0 --separate-stderr bash -c 'ffs-get --list | cut -d" " -f1'
	[[ $output == *AAPL/2012-06-21*lobster* ]]
}

@test "the tour of README.md runs" {
	sed -n '/^## A tour/,/^## Where/s/^    //p' "$BATS_TEST_DIRNAME/../README.md" |
		sed -e ':a' -e '/\\$/N; s/\\\n//; ta' >tour
	[ "$(wc -l <tour)" -ge 7 ]
	in_lab run_tour
}

# A python that has the library: that of scripts/peers, or any in PATH.
python_with() {
	local dir=${FFS_PEERS:-$BATS_TEST_DIRNAME/../build/peers}
	for python in "$dir/venv/bin/python" /usr/bin/python3 "$(command -v python3)"; do
		[ ! -x "$python" ] || ! "$python" -c "import $1" 2>/dev/null || return 0
	done
	may_skip "no $1 (scripts/peers)"
}

# run_recipes LIBRARY: each runs and prints something.
run_recipes() {
	prepare
	load_lobster
	local n=0 code
	while IFS= read -r -d '' code <&4; do
		n=$((n + 1))
		"$python" -c "$code" >"out$n" </dev/null
		[ -s "out$n" ]
	done 4< <(examples "$man/ffs.7" "$1")
	[ "$n" -ge 1 ]
}

@test "the pandas recipes run, and count the rows right" {
	python_with pandas
	run_recipes pandas
	[ "$(cat out2)" = 1000 ]
}

@test "the polars recipe runs, and sees the rows asked for" {
	python_with polars
	run_recipes polars
	grep -Eq 'count *. *100' out1
}

@test "the DuckDB recipe runs, and sees every type of message" {
	python_with duckdb
	run_recipes DuckDB
	for type in 1 2 3 4 5; do grep -Eq "^. +$type +. " out1; done
}
