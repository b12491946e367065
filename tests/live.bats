# ffs-hotmon --live: the screen, on terminals of tmux, and lines for logs.  All of it in the lab.
load helper.bash

# on_terminal COLSxLINES COMMAND: runs on a terminal of tmux; ./status is its exit status then.
# Sets tmux_pid.
on_terminal() {
	local size=$1
	shift
	tmux -S "$PWD/tmux" -f /dev/null new-session -d -x "${size%x*}" -y "${size#*x}" \
		"echo before; $*; echo \$? >status; echo after; exec sleep 1000"
	tmux_pid=$(on_tmux display -p '#{pid}')
	pids+=("$tmux_pid")
}

# The terminal goes, to make room for another.
off_terminal() {
	on_tmux kill-server
	until_true 10 is_gone "$tmux_pid"
	rm -f status
}

is_gone() {
	! kill -0 "$1" 2>/dev/null
}

on_tmux() {
	tmux -S "$PWD/tmux" "$@"
}

# live COLSxLINES [OPTION...]: the screen of ffs-hotmon, drawn.
live() {
	local size=$1
	shift
	on_terminal "$size" "${live_env-} ffs-hotmon --cgroup $FFS_LAB_CGROUP --ports $ports --live $* 2>hotmon.log"
	until_shown 'losses'
}

shown() {
	on_tmux capture-pane -p
}

shows() {
	grep -qF -- "$1" <<<"$(shown)"
}

shows_not() {
	! shows "$1"
}

until_shown() {
	until_true 20 shows "$1" || { shown >&2; cat hotmon.log >&2; return 1; }
}

key() {
	on_tmux send-keys "$@"
}

# ended STATUS: it has, by this, and the terminal is as it was. A shell may say what happened.
ended() {
	until_true 10 test -s status || { shown >&2; return 1; }
	[ "$(cat status)" -eq "$1" ]
	until_true 10 shows after
	[[ $(shown | head -1) == before && $(shown | grep -v '^$' | tail -1) == after ]]
	shows_not losses
}

# start_store: a store with the dataset lobster of five chunks.
start_store() {
	start_node
	ports=${url##*:}
	printf '%s,2,3\n' 1 2 3 4 5 | ffs-split -n lobster --rows 1 2>split.log | ffs-load 2>load.log
	[ "$(ffs-get --list lobster | wc -l)" -eq 5 ]
}

need_screen() {
	need_root || return 1
	need_cmd tmux
}

lab_states() {
	start_store
	live 80x24 --dataset lobster
	until_shown '··········'
	until_shown 'lobster@1: 5 chunks'
	until_shown "port $ports (--ports)"
	until_shown 'no losses'
	until_shown 'none yet'
	ffs-get --cache=bypass lobster >out
	until_shown '░░░░░░░░░░'
	until_shown '·· cold 0'
	ffs-get --cache=bypass --chunks 0-2 lobster >out
	until_shown '▓▓▓▓▓▓░░░░'
	until_shown '8 reads, 3 HOT'
	[[ $(shown) =~ 2\ +12\ B\ .*root\ ffs-get\ *▓\ hot.*/1/00000.csv ]]
	ffs-get --cache=fill --chunks 1-3 lobster >out
	until_shown '▓▓██████░░'
	until_shown '██ cached 3'
	# The kernel has seen the three reads; the hits that follow it cannot see, the cache says.
	until_shown '11 reads, 4 HOT'
	ffs-get --chunks 1-3 lobster >out
	until_shown '3 hits, 3 entries, 18 B'
	until_shown '11 reads, 4 HOT'
	until_shown 'no losses'
	key q
	ended 0
}

@test "cells of a dataset go from cold to warm, hot and cached" {
	need_screen
	in_lab -n 1 lab_states
}

lab_follow() {
	start_store
	ffs-hotmon -q --cgroup "$FFS_LAB_CGROUP" --ports "$ports" >hot 2>first.log &
	pids+=("$!")
	until_true 10 ffs-hotmon --once >once 2>&1
	ffs-cache >cache.out 2>cache.log &
	pids+=("$!")
	live 80x24 --dataset lobster
	ffs-get lobster >out
	until_shown '░░░░░░░░░░'
	ffs-get --chunks 2-4 lobster >out
	until_shown '░░░░██████'
	ffs-get lobster >out
	until_shown '██████████'
	until_shown '10 reads, 5 HOT'
	until_shown '3 hits'
	key q
	ended 0
}

@test "the kernel says hot, ffs-cache fills, and the cells say so" {
	need_screen
	in_lab -n 1 lab_follow
}

lab_objects() {
	start_store
	# A store of anybody: curl reads, too.
	ffs-get --list --presign lobster >urls
	live 200x60
	until_shown 'nothing was read yet'
	xargs -n1 curl -sSo /dev/null <urls
	until_shown '5 objects in key order'
	until_shown 'root curl'
	until_shown "127.0.0.1:$ports"
	until_shown '░░ warm 5'
	curl -sSo /dev/null "$(sed -n 4p urls)"
	until_shown '▓▓ hot 1'
	# By reads the one that was read twice comes first, by name it is the fourth.
	first_is() { [[ $(shown | grep -A1 ' READS .*OBJECT' | tail -1) == *"/1/0000$1.csv"* ]]; }
	until_true 10 first_is 3
	key n
	until_shown 'objects by name'
	until_true 10 first_is 0
	key a
	until_shown 'objects by age'
	until_true 10 first_is 3
	for k in 'b bytes' 'h hits' 'l latency' 'r reads'; do
		key "${k%% *}"
		until_shown "objects by ${k#* }"
	done
	key '?'
	until_shown 'keys and signs'
	key x
	until_true 10 shows_not 'keys and signs'
	key c
	until_shown 'load_errors'
	until_shown 'packets whose bytes could not be read'
	key x
	until_true 10 shows_not 'load_errors'
	key q
	ended 0
}

@test "the list is sorted by keys; boxes open and close; a large terminal is used" {
	need_screen
	in_lab -n 1 lab_objects
}

lab_interfaces() {
	start_store
	live 80x24
	until_shown 'lo, eth0'
	ip link add ffs0 type veth peer name ffs1
	ip link set ffs0 up
	ip link set ffs1 up
	until_shown 'ffs0'
	ip link del ffs0
	until_true 10 shows_not 'ffs0'
	key q
	ended 0
}

@test "interfaces that come and go are shown" {
	need_screen
	in_lab -n 1 lab_interfaces
}

lab_pause() {
	start_store
	live 80x24
	until_shown 'nothing was read yet'
	key p
	until_shown PAUSED
	ffs-get --cache=bypass lobster >out
	# Elsewhere it has been counted, and drawn.
	until_true 10 grep -q ' reads=5 ' <(timeout 10 ffs-hotmon --live=line --interval 100ms 2>/dev/null)
	key n
	until_shown 'objects by name'
	until_shown 'nothing was read yet'
	key p
	until_shown '5 objects in key order'
	shows_not PAUSED
	key q
	ended 0
}

@test "a pause holds what is shown" {
	need_screen
	in_lab -n 1 lab_pause
}

lab_resize() {
	start_store
	ffs-get --list --presign lobster >urls
	live 80x24
	xargs -n1 curl -sSo /dev/null <urls
	until_shown '5 objects in key order'
	until_shown 'latency of '
	# The list has room for two of them.
	on_tmux resize-window -x 60 -y 12
	until_true 10 shows_not 'latency of '
	[ "$(shown | wc -l)" -le 12 ]
	key n
	key End
	until_shown '-5 of 5'
	until_shown '00004.csv'
	until_true 10 shows_not '00000.csv'
	key Home
	until_shown '00000.csv'
	key Down
	until_shown '2-'
	key PPage
	until_shown '1-'
	on_tmux resize-window -x 30 -y 6
	until_shown '30x6 is too small'
	on_tmux resize-window -x 150 -y 50
	until_shown 'latency of '
	until_shown SERVER
	key q
	ended 0
}

@test "it follows the terminal's size, down to one that is too small" {
	need_screen
	in_lab -n 1 lab_resize
}

lab_signals() {
	start_store
	for sig in TERM INT HUP QUIT KILL; do
		live 80x24
		screen_pid=$(pgrep -P "$(pgrep -P "$(on_tmux display -p '#{pane_pid}')" -x ffs-hotmon)")
		kill -s "$sig" "$screen_pid"
		case $sig in
		INT) ended 0 ;;
		*) ended $((128 + $(kill -l "$sig"))) ;;
		esac
		[ -z "$(find "$FFS_BPF_DIR/v1" -type f)" ]
		off_terminal
	done
}

@test "signals end it and leave the terminal as it was" {
	need_screen
	in_lab -n 1 lab_signals
}

lab_hostile() {
	start_node --anonymous
	ports=${url##*:}
	curl -sSX PUT "$url/bkt"
	live 80x24
	# Escapes that clear the screen or move about, line ends, letters of two columns, of none, of the
	# other direction, bytes that are no UTF-8.
	for name in 'a%1B%5B2Jb' 'a%1B%5B1%3B1Hb' 'a%0D%0Ab' 'a%08%7Fb' 'a%C2%9B2Jb' '%E6%BC%A2%E5%AD%97' \
		'e%CC%81%E2%80%AE' '%F0%9F%98%80'; do
		curl -sS -T load.me "$url/bkt/$name"
		curl -sSo out "$url/bkt/$name"
	done
	until_shown 'bkt/a?[2Jb'
	until_shown '8 objects in key order'
	key n
	until_shown 'objects by name'
	key End
	until_shown 'bkt/漢字'
	until_shown 'bkt/e??'
	[[ $(shown | head -1) == "ffs-hotmon port $ports"* ]]
	[[ $(shown | sed -n 24p) == "q quit "*"? help"* ]]
	until_shown 'no losses'
	key q
	ended 0
}

@test "names that want to break the screen do not" {
	need_screen
	echo x >load.me
	in_lab -n 1 lab_hostile
}

lab_plain() {
	start_store
	ffs-get --cache=fill --chunks 0 lobster >out
	# Colours are there on a terminal that has them.
	live 80x24 --dataset lobster
	until_shown '██········'
	[[ $(on_tmux capture-pane -pe) =~ $'\e['[0-9\;]*3[0-9] ]]
	key q
	ended 0
	for live_env in 'NO_COLOR=1' 'TERM=vt100'; do
		off_terminal
		live 80x24 --dataset lobster
		until_shown '██········'
		! [[ $(on_tmux capture-pane -pe) =~ $'\e['[0-9\;]*3[0-9] ]]
		key q
		until_true 10 grep -qx 0 status # a vt100 has no second screen
	done
	off_terminal
	live_env=LC_ALL=C
	live 80x24 --dataset lobster
	until_shown '##........'
	run -1 grep -P '[^\x00-\x7f]' <<<"$(shown)"
	until_shown '## cached 1'
	key q
	ended 0
}

@test "states can be told apart without colours, and without UTF-8" {
	need_screen
	in_lab -n 1 lab_plain
}

lab_unfit() {
	start_store
	on_terminal 80x24 "TERM=nonsense ffs-hotmon --cgroup $FFS_LAB_CGROUP --ports $ports --live 2>log"
	until_true 10 test -s status
	[ "$(cat status)" -eq 7 ]
	grep -q "^ffs-hotmon: .*'nonsense'.*--live=line" log
	run -3 --separate-stderr ffs-hotmon -q --cgroup "$FFS_LAB_CGROUP" --live=line --dataset none
	[[ $stderr == "ffs-hotmon: cannot read dataset 'none': "* ]]
}

@test "a terminal that is not known and a dataset that is not there are named" {
	need_screen
	in_lab -n 1 lab_unfit
}

lab_lines() {
	start_store
	ffs-hotmon --cgroup "$FFS_LAB_CGROUP" --ports "$ports" --live --dataset lobster \
		--interval 100ms >lines 2>hotmon.log &
	pid=$!
	pids+=("$pid")
	until_true 10 test -s lines
	ffs-get --cache=fill lobster >out
	ffs-get lobster >out
	until_true 10 grep -q ' reads=5 .* hits=5 ' lines
	kill "$pid"
	status=0
	wait "$pid" || status=$?
	[ "$status" -eq 143 ]
	# Every word of every line is a name and a value.
	run -1 grep -vE '^time=[^ =]+( [a-z0-9_]+=[0-9.]+)+$' lines
	[[ $(head -1 lines) == *" cold=5 warm=0 hot=0 cached=0 reads=0 "*" loaded=1 losses=0 served_origin=0 "*" programs=0" ]]
	[[ $(tail -1 lines) == *" cold=0 warm=0 hot=0 cached=5 reads=5 bytes=30 "*" hits=5 "* ]]
	# What the lines say of each interval adds up: 5 reads in tenths of a second.
	[ "$(grep -o ' reads_per_s=[0-9.]*' lines | cut -d= -f2 | awk '{ n += $1 } END { print (n > 20) }')" = 1 ]
	grep -q ' hit_lat_p50_us=[1-9]' lines
	grep -q ' lat_p50_us=[1-9]' lines
	# A line that cannot be written, and a reader that has gone.
	run -1 --separate-stderr bash -c 'exec ffs-hotmon -q --cgroup "$FFS_LAB_CGROUP" --live=line --interval 100ms >/dev/full'
	[ "$stderr" = "ffs-hotmon: cannot go on: No space left on device" ]
	run -141 --separate-stderr bash -c 'set -o pipefail; ffs-hotmon -q --cgroup "$FFS_LAB_CGROUP" --live=line --interval 100ms | head -1'
	[[ $output == time=* ]]
	[ -z "$stderr" ]
}

@test "lines for logs have names and values, also where no terminal is" {
	need_screen
	in_lab -n 1 lab_lines
}

lab_shared() {
	start_store
	ffs-hotmon -q --cgroup "$FFS_LAB_CGROUP" --ports "$ports" >hot 2>first.log &
	pid=$!
	pids+=("$pid")
	until_true 10 ffs-hotmon --once >once 2>&1
	live 80x24
	until_shown "what ffs-hotmon $pid has loaded"
	ffs-get --cache=bypass lobster >out
	until_shown '5 reads, 0 HOT'
	kill "$pid"
	wait "$pid" || true
	until_shown 'nothing watches'
	until_shown '5 reads, 0 HOT'
	ffs-hotmon -q --cgroup "$FFS_LAB_CGROUP" --ports "$ports" >hot 2>second.log &
	pids+=("$!")
	until_shown "what ffs-hotmon $! has loaded"
	until_shown '0 reads, 0 HOT'
	ffs-get --cache=bypass --chunks 1-2 lobster >out
	until_shown '2 reads, 0 HOT'
	key q
	ended 0
}

@test "it shares another's programs, and waits for the next when they are gone" {
	need_screen
	in_lab -n 1 lab_shared
}

lab_who() {
	start_store
	live 80x24 --dataset lobster
	until_shown ' w who '
	ffs-get --cache=fill lobster >out
	ffs-get lobster >out
	ffs-get s3://ffs/lobster/1/00000.csv >out
	curl -sSo out "$(ffs-get --list --presign lobster | head -1)"
	key w
	until_shown ' programs '
	until_shown 'PROGRAM'
	# Of each program: whole reads from stores (kernel); requests by where they were served from.
	ffs_get_is() { grep -qE "^ +5 +30 B +5 +1 +5 +36 B +[0-9]+s root ffs-get *$" <<<"$(shown)"; }
	until_true 20 ffs_get_is || { shown >&2; return 1; }
	curl_is() { grep -qE "^ +1 +6 B +0 +0 +0 +0 B +[0-9]+s root curl *$" <<<"$(shown)"; }
	until_true 20 curl_is || { shown >&2; return 1; }
	key w
	until_shown 'objects by reads'
	key w
	until_shown ' programs '
	key b
	until_shown 'objects by bytes'
	on_tmux resize-window -x 130 -y 40
	key n
	until_shown '   304  CACHE '
	# The first chunk, twice from the store, once on its word, once from the cache alone.
	first_is() { grep -qE "^ +2 +12 B .* 2 +[0-9.]+ [mu]?s +1 +1 .*/1/00000.csv" <<<"$(shown)"; }
	until_true 20 first_is || { shown >&2; return 1; }
	shows_not STALE
	key '?'
	until_shown 'the store was away'
	key x
	key q
	ended 0
}

@test "who was served from where: objects and programs" {
	need_screen
	in_lab -n 1 lab_who
}

lab_gateway() {
	start_node --anonymous
	ports=${url##*:}
	curl -sS -X PUT "$url/bkt"
	curl -sS -X PUT -d 0123456789 "$url/bkt/o"
	curl -sS -X PUT -d 0123456789 "$url/bkt/p"
	live 140x40 --redirect
	ffs-cache --serve --origin "$url" --admit all >gate.url 2>gate.log &
	pids+=("$!")
	redirects() { ffs-hotmon --once --json | jq -es 'last.counters.redirected > 0'; }
	# Programs that know nothing of it: the first one's bytes come from the store and are kept.
	redirected() { curl -sSf -o out "$url/bkt/p" && redirects; } >/dev/null
	until_true 20 redirected
	for i in 1 2 3; do curl -sSf -o out "$url/bkt/o"; done
	[ "$(cat out)" = 0123456789 ]
	key n
	# Read from the store by one of them, and kept; then given on its word.
	object_is() { grep -qE "^ +1 +10 B .* +2 +0 root curl .*bkt/o" <<<"$(shown)"; }
	until_true 20 object_is || { shown >&2; return 1; }
	key w
	program_is() { grep -qE "^ +[1-9][0-9]* +[0-9]+ B +[1-9][0-9]* +[1-9][0-9]* +0 +[1-9][0-9]* B +[0-9]+s root curl *$" <<<"$(shown)"; }
	until_true 20 program_is || { shown >&2; return 1; }
	key q
	ended 0
}

@test "programs that the gateway serves are told by name, and where their bytes came from" {
	need_screen
	need_cmd jq
	in_lab -n 1 lab_gateway
}

lab_json() {
	start_store
	ffs-hotmon --cgroup "$FFS_LAB_CGROUP" --ports "$ports" --live --json --interval 100ms >lines 2>hotmon.log &
	pid=$!
	pids+=("$pid")
	until_true 10 test -s lines
	ffs-get --cache=fill lobster >out
	ffs-get lobster >out
	until_true 10 grep -q '"served":{"origin":5,"origin_bytes":30,"revalidated":0,"revalidated_bytes":0,"cache":5,' lines
	# One that has a name to break lines with.
	cp "$(command -v ffs-get)" $'a\n"b'
	./$'a\n"b' lobster >out
	until_true 10 grep -qF '"comm":"a\u000a\"b","uid":0,' lines
	kill "$pid"
	wait "$pid" || true
	jq -es 'length > 0 and all(.type == "live" and .loaded and .losses == 0)' <lines >/dev/null
	jq -es 'last | .programs[] | select(.comm == "ffs-get") |
		.uid == 0 and .user == "root" and .reads >= 5 and .served.cache == 5' <lines >/dev/null
}

@test "with --json the lines are JSON, with each program" {
	need_screen
	need_cmd jq
	in_lab -n 1 lab_json
}

@test "what makes no sense with the screen is a usage error" {
	usage_error ffs-hotmon --live=nonsense
	usage_error ffs-hotmon --live --interval=0
	usage_error ffs-hotmon --live --interval=x
	usage_error ffs-hotmon --live --dataset=../x
	usage_error ffs-hotmon --live --dataset=lobster@0
	usage_error ffs-hotmon --dataset lobster
	usage_error ffs-hotmon --interval 1
	usage_error ffs-hotmon --live --once
	usage_error ffs-hotmon --live --pin
}
