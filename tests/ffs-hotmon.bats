# ffs-hotmon: programs in the kernel, and what they count.  All that attaches is in the lab.
# Takes minutes.
load helper.bash

# start_hotmon [OPTION...]: in the background, attached; ./hot is its output, ./hotmon.log what it
# says.  Sets hotmon_pid.
start_hotmon() {
	: >hot
	: >hotmon.log
	hearing "${as[@]}" ffs-hotmon -v --cgroup "$FFS_LAB_CGROUP" "$@" >hot 2>hotmon.log &
	hotmon_pid=$!
	pids+=("$hotmon_pid")
	until_true 20 grep -q 'attached to [a-z0-9, ]*$' hotmon.log || { cat hotmon.log >&2; return 1; }
}

# A shell without job control has what it starts in the background ignore SIGINT.
hearing() {
	exec env --default-signal "$@"
}

# As the user behind sudo: what follows is started so.
as=()
behind_sudo() {
	as=(env SUDO_UID=65534 SUDO_GID=65534 SUDO_USER=nobody)
}

# user UID COMMAND...: without any privilege.
become() {
	exec env --default-signal HOME=/nonexistent setpriv --reuid "$1" --regid "${group:-$1}" --clear-groups \
		--inh-caps=-all "${@:2}"
}
user() {
	(become "$@")
}

# stop_hotmon [SIGNAL]: its status is in $status then.
stop_hotmon() {
	status=0
	kill -s "${1:-INT}" "$hotmon_pid"
	wait "$hotmon_pid" || status=$?
}

# table JQ-FILTER: of all that is printed by --once --json.
table() {
	ffs-hotmon --once --json | jq -s -r "$1"
}

# becomes VALUE JQ-FILTER: the table does, soon.
is_in_table() {
	[ "$(table "$2")" = "$1" ]
}
becomes() {
	until_true 10 is_in_table "$@" || { table . >&2; return 1; }
}

# has_lines N FILE
has_lines() {
	[ "$(wc -l <"$2")" -eq "$1" ]
}

# has_entries N DIRECTORY
has_entries() {
	[ "$(find "$2" -mindepth 1 -maxdepth 1 | wc -l)" -eq "$1" ]
}

# nothing_attached: no program, filter, qdisc or pin of ours in the lab, and no program in its cgroup,
# which the kernel takes off a moment after the last who had it has gone.
nothing_attached() {
	local dev
	[ -z "$(find "$FFS_BPF_DIR/v1" -type f)" ] || { find "$FFS_BPF_DIR/v1" >&2; return 1; }
	for dev in $(ls /sys/class/net); do
		[[ "$(tc qdisc show dev "$dev" 2>&1)" != *clsact* ]] || return 1
	done
	until_true 10 cgroup_is_free
}
cgroup_is_free() {
	[ -z "$(bpftool cgroup show "$FFS_LAB_CGROUP" 2>/dev/null)" ]
}

# start_store: a store with objects bkt/a and bkt/b of 1,000 bytes.
start_store() {
	start_node --anonymous
	curl -sS -X PUT "$url/bkt" -o /dev/null
	head -c 1000 /dev/zero >object
	curl -sS -T object "$url/bkt/a"
	curl -sS -T object "$url/bkt/b"
	ports=${url##*:}
}

# losses: what --once tells of them, as JSON.
losses() {
	table '.[-1].counters | with_entries(select(.key | IN("ring_full", "objects_full", "conns_full",
		"split_heads", "long_names", "bad_requests", "bad_responses", "no_length", "midstream",
		"pipelined", "orphans", "tls", "http2", "fragments", "load_errors"))) |
		with_entries(select(.value > 0)) | tojson'
}

export reads='[.[] | select(.type == "object") | .reads] | add // 0'

# --- attaching ---

lab_counts() {
	start_store
	start_hotmon --ports "$ports" --attach="$1"
	[ "$(head -1 hotmon.log)" = "ffs-hotmon: watching port $ports (--ports)" ]
	curl -sS "$url/bkt/a" "$url/bkt/a" "$url/bkt/b" -o one -o two -o three
	becomes "2 1" '[.[] | select(.type == "object")] | sort_by(.key) | map(.reads) | join(" ")'
	becomes "$1" '.[-1].loaded.attached_by'
	until_true 10 has_lines 2 hot
	[[ $(sed -n 2p hot) == *" 2 "*" hot "*" curl "*"$url/bkt/a" ]]
	[ "$(losses)" = "{}" ]
	# The most read first.
	curl -sS "$url/bkt/b" "$url/bkt/b" -o one -o two
	becomes "b a" '[.[] | .key // empty] | join(" ")'
	run -0 ffs-hotmon --once
	[[ ${lines[1]} == *" 3 "*" 3000 hot "*"$url/bkt/b" ]]
	stop_hotmon
	[ "$status" -eq 0 ]
	nothing_attached
}

@test "attached by TCX, it counts reads and tells what is hot" {
	in_lab -n 1 lab_counts tcx
}

@test "attached by clsact, it counts reads and tells what is hot" {
	in_lab -n 1 lab_counts clsact
}

# foreign NAME PRIORITY VERDICT: somebody else's filter on lo.
foreign() {
	cat >"$1.c" <<-END
		__attribute__((section("tc"), used)) int $1(void *ctx) { return $3; }
		char gpl[] __attribute__((section("license"), used)) = "GPL";
	END
	clang-14 -target bpf -O2 -c -o "$1.o" "$1.c"
	tc filter add dev lo egress prio "$2" handle 1 bpf da obj "$1.o" sec tc
}

# How often that ran, by the kernel's statistics, which --stats switches on.
foreign_ran() {
	local id
	id=$(tc -j filter show dev lo egress | jq ".[] | select(.pref == $1 and .options) | .options.prog.id")
	[ "$(bpftool -j prog show id "$id" | jq '.run_cnt // 0')" -gt 0 ]
}

lab_foreign() {
	start_store
	tc qdisc add dev lo clsact
	foreign before 1 -1
	foreign after 100 0
	start_hotmon --ports "$ports" --attach="$1" --stats
	curl -sS "$url/bkt/a" -o one
	becomes 1 "$reads"
	foreign_ran 1
	foreign_ran 100
	stop_hotmon
	grep -q '^ffs_traffic .* runs .* ns each$' hot
	# They stay, and so does the qdisc, which was there before.
	[ "$(tc -j filter show dev lo egress | jq '[.[] | select(.options) | .pref] | sort | tojson')" = '"[1,100]"' ]
	curl -sS "$url/bkt/a" -o one
	# Where the qdisc was ours, it stays for a filter that came later.
	tc qdisc del dev lo clsact
	start_hotmon --ports "$ports" --attach="$1"
	[ "$1" = clsact ] || tc qdisc add dev lo clsact
	foreign after 100 0
	stop_hotmon
	[ "$(tc -j filter show dev lo egress | jq '[.[] | select(.options) | .pref] | tojson')" = '"[100]"' ]
}

@test "filters of others run before and after ours, and stay (TCX)" {
	in_lab -n 1 lab_foreign tcx
}

@test "filters of others run before and after ours, and stay (clsact)" {
	in_lab -n 1 lab_foreign clsact
}

lab_interfaces() {
	start_store
	start_hotmon --ports "$ports" --attach="$1"
	ip link add come type veth peer name go
	ip link set go up
	ip link set come up
	until_true 10 grep -q "attached to interface 'come'" hotmon.log
	until_true 10 grep -q "attached to interface 'go'" hotmon.log
	ip link del come
	until_true 10 grep -q "interface 'come' is gone" hotmon.log
	until_true 10 grep -q "interface 'go' is gone" hotmon.log
	# Which qdiscs are ours is remembered of those that are there: lo and eth0.
	[ "$1" = tcx ] || until_true 10 has_entries 2 "$FFS_BPF_DIR/v1/clsact"
	curl -sS "$url/bkt/a" -o one
	becomes 1 "$reads"
	stop_hotmon
	[ "$status" -eq 0 ]
	nothing_attached
	# Only those that were asked for, one of which comes later.
	start_hotmon --ports "$ports" -i lo,later --attach="$1"
	grep -q "attached to lo$" hotmon.log
	grep -q "interface 'later' is not there yet" hotmon.log
	ip link add later type veth peer name other
	ip link set other up
	until_true 10 grep -q "attached to interface 'later'" hotmon.log
	run -1 grep "interface 'other'" hotmon.log
	stop_hotmon
	nothing_attached
}

@test "interfaces that come are watched, and those that go forgotten (TCX)" {
	in_lab -n 1 lab_interfaces tcx
}

@test "interfaces that come are watched, and those that go forgotten (clsact)" {
	in_lab -n 1 lab_interfaces clsact
}

lab_wire() {
	ffs-node --serve ./store --listen 127.0.0.1:0 --anonymous >node.url &
	pids+=("$!")
	mkdir -p www/bkt
	head -c 100000 /dev/zero >www/bkt/a
	"$BATS_TEST_DIRNAME/../scripts/lab" on h2 /usr/bin/python3 -m http.server --bind :: --directory www 8123 >py.log 2>&1 &
	pids+=("$!")
	until_true 20 curl -s http://10.77.0.2:8123/ -o /dev/null || { cat py.log >&2; return 1; }
	start_hotmon --ports 8123 -i eth0
	curl -sS http://10.77.0.2:8123/bkt/a "http://[fd77::2]:8123/bkt/a" -o one -o two
	becomes "http://10.77.0.2:8123/bkt/a http://[fd77::2]:8123/bkt/a" \
		'[.[] | select(.type == "object" and .reads == 1 and .bytes == 100000) | .url] | sort | join(" ")'
	stop_hotmon
}

@test "reads over a wire are counted once, IPv4 and IPv6" {
	in_lab -n 2 lab_wire
}

lab_no_cgroup() {
	local tree
	tree=$(awk '$3 == "cgroup2" { print $2; exit }' /proc/self/mounts)
	umount -l "$tree"
	start_store
	hearing ffs-hotmon -v --ports "$ports" >hot 2>hotmon.log &
	hotmon_pid=$!
	until_true 20 grep -q 'attached to lo' hotmon.log
	grep -q 'no cgroup v2 is mounted' hotmon.log
	curl -sS "$url/bkt/a" -o one
	becomes 1 "$reads"
	becomes false '.[-1].tune.attached'
	stop_hotmon
	[ "$status" -eq 0 ]
}

@test "without cgroup v2 it says so and watches all the same" {
	no_cgroup() { unshare --mount bash ./lab.bash lab_no_cgroup; }
	in_lab -n 1 no_cgroup
}

lab_tuned() {
	start_store
	start_hotmon --ports "$ports"
	becomes true '.[-1].tune.attached'
	curl -sS "$url/bkt/a" -o one
	becomes 2 '.[-1].counters.tuned'
	becomes true '.[-1].counters | .nodelay_ok + .nodelay_refused == 2 and .delack_ok + .delack_refused == 2'
	stop_hotmon
	# A path that is none.
	run -1 ffs-hotmon --ports "$ports" --cgroup /proc
	[[ $output == *"cannot use the cgroup '/proc': not of a cgroup v2 tree"* ]]
	run -1 ffs-hotmon --ports "$ports" --cgroup "$FFS_LAB_CGROUP/none"
	[[ $output == *"cannot use the cgroup '$FFS_LAB_CGROUP/none': No such file"* ]]
	nothing_attached
}

@test "connections are tuned in the cgroup, and both ends counted" {
	in_lab -n 1 lab_tuned
}

# --- who may do what ---

lab_pinned() {
	start_store
	behind_sudo
	run -0 "${as[@]}" ffs-hotmon --pin --ports "$ports" --cgroup "$FFS_LAB_CGROUP" --attach="$1"
	curl -sS "$url/bkt/a" -o one
	run -0 user 65534 ffs-hotmon --once
	[[ ${lines[0]} == *READS*BYTES*HOT*URL ]]
	[[ ${lines[1]} == *" 1 "*" 1000 "*"$url/bkt/a" ]]
	run -0 user 65534 ffs-hotmon --once --json
	[ "$(jq -s '.[0].reads' <<<"$output")" -eq 1 ]
	# Nobody else, and none of them writes or follows what is another's.
	run -4 --separate-stderr user 65533 ffs-hotmon --once
	[[ $stderr == "ffs-hotmon: the maps in '$FFS_BPF_DIR/v1' are another user's"* ]]
	run -4 --separate-stderr user 65533 ffs-hotmon
	[[ $stderr == "ffs-hotmon: the maps in '$FFS_BPF_DIR/v1' are another user's"* ]]
	[ "$(stat -c %a:%u:%g "$FFS_BPF_DIR"/v1/{objects,names,meta,events,self,programs,loader,consumer} | paste -sd' ')" = \
		"640:0:65534 640:0:65534 640:0:65534 600:65534:65534 600:65534:65534 700:0:0 700:0:0 700:65534:65534" ]
	# Again: nothing happens; a foreground instance shares them and leaves them.
	run -0 "${as[@]}" ffs-hotmon --pin --ports "$ports" --cgroup "$FFS_LAB_CGROUP"
	[[ $output == *"pinned already, as they were loaded"* ]]
	: >hot
	become 65534 ffs-hotmon -v --json >hot 2>hotmon.log &
	hotmon_pid=$!
	until_true 10 grep -q 'loaded by another' hotmon.log
	curl -sS "$url/bkt/a" -o one
	until_true 10 has_lines 1 hot
	[ "$(jq -r '.type + " " + .url' hot)" = "hot $url/bkt/a" ]
	stop_hotmon
	[ "$status" -eq 0 ]
	run -0 --separate-stderr ffs-hotmon --once --json
	[ "$(jq -s '.[0].reads' <<<"$output")" -eq 2 ]
	run -7 user 65534 ffs-hotmon --unpin
	run -0 ffs-hotmon --unpin
	nothing_attached
	run -3 --separate-stderr ffs-hotmon --once
	[[ $stderr == "ffs-hotmon: nothing watches"*"sudo ffs-hotmon"* ]]
	[ "${#stderr_lines[@]}" -eq 1 ]
	run -0 ffs-hotmon --unpin
}

@test "what is pinned by TCX stays, is the user's to read, and goes by --unpin" {
	in_lab -n 1 lab_pinned tcx
}

@test "what is pinned by clsact stays, is the user's to read, and goes by --unpin" {
	in_lab -n 1 lab_pinned clsact
}

lab_group() {
	start_store
	run -0 ffs-hotmon --pin --ports "$ports" --cgroup "$FFS_LAB_CGROUP" --group 65533
	group=65533 user 65532 ffs-hotmon --once
	run -4 user 65534 ffs-hotmon --once
	ffs-hotmon --unpin
}

@test "--group says who else may read" {
	in_lab -n 1 lab_group
}

# Uids, gids and capabilities of a process.
status_of() {
	awk '/^(Uid|Gid|Groups|CapPrm|CapEff):/ { $1 = $1; print }' "/proc/$1/status" | paste -sd' '
}

lab_privilege() {
	local child
	behind_sudo
	start_hotmon --ports 9000
	child=$(cat "/proc/$hotmon_pid/task/$hotmon_pid/children")
	child=${child% }
	[ "$(status_of "$child")" = "Uid: 65534 65534 65534 65534 Gid: 65534 65534 65534 65534 Groups: 65534 CapPrm: 0000000000000000 CapEff: 0000000000000000" ]
	[[ $(tr '\0' '\n' <"/proc/$child/environ") == *SUDO_UID=65534* ]]
	stop_hotmon
	# The home directory is that user's, whatever HOME says: his nodes, not root's.
	mkdir -p home/.config/ffs
	echo "mine http://127.0.0.1:9777" >home/.config/ffs/nodes
	start_hotmon
	[ "$(head -1 hotmon.log)" = "ffs-hotmon: watching port 9000 (default)" ]
	grep -q "runs as uid 65534, home '$(getent passwd 65534 | cut -d: -f6)'" hotmon.log
	stop_hotmon
	as=()
	# One without an entry in passwd has none.
	run -3 env SUDO_UID=64999 SUDO_GID=64999 ffs-hotmon --cgroup "$FFS_LAB_CGROUP"
	[[ $output == "ffs-hotmon: cannot find the configuration (no home directory?): "* ]]
	nothing_attached
	start_hotmon
	[ "$(head -1 hotmon.log)" = "ffs-hotmon: watching port 9777 ($HOME/.config/ffs/nodes:1), 9000 (default)" ]
	stop_hotmon
}

@test "all but loading runs as the user behind sudo, with that user's configuration" {
	in_lab -n 1 lab_privilege
}

@test "without root it says what it can still do" {
	need_root
	export FFS_BPF_DIR=/sys
	run -7 --separate-stderr user 65533 ffs-hotmon
	[ "${#stderr_lines[@]}" -eq 1 ]
	[[ $stderr == *"only root can put programs into the kernel"*"--once"*"ffs-get --cache=fill"* ]]
	run -7 --separate-stderr user 65533 ffs-hotmon --pin
	run -7 --separate-stderr user 65533 ffs-hotmon --unpin
	run -3 --separate-stderr user 65533 ffs-hotmon --once
	# Root in a container that took all of it away.
	run -7 --separate-stderr in_lab -n 1 setpriv --bounding-set=-all --inh-caps=-all ffs-hotmon
	[[ $stderr == *"no privilege"* ]] || { echo "$stderr" >&2; false; }
}

lab_bpffs() {
	local own=$FFS_BPF_DIR
	mkdir plain
	run -1 --separate-stderr env FFS_BPF_DIR="$PWD/plain" ffs-hotmon --pin
	[ "$stderr" = "ffs-hotmon: FFS_BPF_DIR names '$PWD/plain', which is no bpffs: mount -t bpf bpf $PWD/plain" ]
	# One that anybody could have made.
	mkdir "$own/v1"
	chown 65534 "$own/v1"
	run -1 --separate-stderr ffs-hotmon --pin
	[ "$stderr" = "ffs-hotmon: cannot use the directory '$own/v1': others may write to it" ]
	rmdir "$own/v1"
	# The default is a mount of its own, made where it is missing.
	mount -t tmpfs -o mode=0755 none /run
	unset FFS_BPF_DIR
	run -0 ffs-hotmon --pin --ports 9000 --cgroup "$FFS_LAB_CGROUP" -q
	[ "$(stat -c %a:%u /run/ffs /run/ffs/bpf /run/ffs/bpf/v1 | paste -sd' ')" = "755:0 1755:0 755:0" ]
	[ "$(stat -f -c %T /run/ffs/bpf)" = bpf_fs ]
	run -0 ffs-hotmon --once
	run -0 ffs-hotmon --unpin
	umount /run/ffs/bpf
	umount /run
	export FFS_BPF_DIR=$own
}

@test "it mounts a bpffs of its own, and refuses what is none" {
	in_lab -n 1 lab_bpffs
}

# --- several, and killed ones ---

lab_second() {
	start_store
	start_hotmon --ports "$ports"
	local first=$hotmon_pid
	: >second.hot
	ffs-hotmon --hot 5 --json >second.hot 2>second.log &
	local second=$!
	pids+=("$second")
	until_true 10 grep -q 'loaded by another ffs-hotmon: options for them do not matter' second.log
	run -1 --separate-stderr ffs-hotmon --pin
	[[ $stderr == "ffs-hotmon: cannot pin: ffs-hotmon $first has loaded the programs"* ]]
	run -1 --separate-stderr ffs-hotmon --unpin
	[[ $stderr == *"an ffs-hotmon runs with them"* ]]
	curl -sS "$url/bkt/a" "$url/bkt/a" -o one -o two
	until_true 10 has_lines 1 second.hot
	until_true 10 has_lines 2 hot
	# When the first ends, the second says so.
	stop_hotmon
	status=0
	wait "$second" || status=$?
	[ "$status" -eq 1 ]
	grep -q 'the ffs-hotmon that loaded the programs has ended' second.log
	nothing_attached
}

@test "a second instance shares the programs of the first, and ends with it" {
	in_lab -n 1 lab_second
}

lab_at_once() {
	local i
	for i in 1 2 3 4; do
		hearing ffs-hotmon --ports 9000 --cgroup "$FFS_LAB_CGROUP" -v >"hot$i" 2>"log$i" &
		pids+=("$!")
	done
	for i in 1 2 3 4; do
		until_true 20 grep -q READS "hot$i"
	done
	[ "$(cat log? | grep -c 'watching port')" -eq 1 ]
	kill -INT "${pids[@]}"
	# Those that share may see their loader end before their own signal.
	for i in "${pids[@]}"; do wait "$i" || [ $? -eq 1 ]; done
	pids=()
	nothing_attached
}

@test "of several that start at once one loads" {
	in_lab -n 1 lab_at_once
}

lab_pinned_at_once() {
	local i round
	for round in 1 2 3; do
		for i in 1 2 3; do
			ffs-hotmon --ports 9000 --cgroup "$FFS_LAB_CGROUP" --pin 2>"log$i" &
			pids+=("$!")
		done
		for i in "${pids[@]}"; do wait "$i"; done
		pids=()
		[ "$(cat log? | grep -c 'watching port')" -eq 1 ]
		[ "$(cat log? | grep -c 'pinned already')" -eq 2 ]
		ffs-hotmon --unpin
		nothing_attached
	done
}

@test "of several --pin at once one loads, and the others find it done" {
	in_lab -n 1 lab_pinned_at_once
}

lab_killed() {
	start_store
	start_hotmon --ports "$ports" --attach="$1"
	local child
	child=$(cat "/proc/$hotmon_pid/task/$hotmon_pid/children")
	# The half that is root: the other says so, and the pins say what they are.
	stop_hotmon KILL
	[ "$status" -eq 137 ]
	until_true 10 grep -q 'the ffs-hotmon that loaded the programs has ended' hotmon.log
	until_true 10 test ! -e "/proc/${child% }"
	run -3 --separate-stderr ffs-hotmon --once
	[[ $stderr == *"were left by an ffs-hotmon that is gone"* ]]
	# The next start removes what is left, and counts anew.
	start_hotmon --ports "$ports" --attach="$1"
	grep -q 'removed what an ffs-hotmon that was killed has left' hotmon.log
	curl -sS "$url/bkt/b" -o one
	becomes "b 1" '.[0] | "\(.key) \(.reads)"'
	[ "$(tc -j filter show dev lo egress | jq '[.[] | select(.options)] | length')" -le 1 ]
	# The half that is not: root's half takes the programs out.
	child=$(cat "/proc/$hotmon_pid/task/$hotmon_pid/children")
	kill -KILL $child
	status=0
	wait "$hotmon_pid" || status=$?
	[ "$status" -eq 137 ]
	nothing_attached
	# By --unpin, too.
	start_hotmon --ports "$ports" --attach="$1"
	stop_hotmon KILL
	until_true 10 ffs-hotmon --unpin
	nothing_attached
}

@test "what a killed one has left is removed by the next start, or --unpin (TCX)" {
	in_lab -n 1 lab_killed tcx
}

@test "what a killed one has left is removed by the next start, or --unpin (clsact)" {
	in_lab -n 1 lab_killed clsact
}

lab_killed_early() {
	local ms
	for ms in 2 5 10 15 20 30 40 50 60 80 100 150; do
		run timeout --foreground -s KILL "$(printf 0.%03d "$ms")" \
			ffs-hotmon -q --ports 9000 --cgroup "$FFS_LAB_CGROUP" --attach="$1"
		[ "$status" -eq 137 ]
	done
	start_hotmon --ports 9000 --attach="$1"
	stop_hotmon
	[ "$status" -eq 0 ]
	nothing_attached
}

@test "killed at any point of its start, the next one works and leaves nothing" {
	in_lab -n 1 lab_killed_early tcx
	in_lab -n 1 lab_killed_early clsact
}

# dying N: a library that has what it is loaded into killed before its Nth pin.
dying() {
	[ -e dying.so ] || cc -shared -fPIC -x c -o dying.so - <<-'END'
		#define _GNU_SOURCE
		#include <dlfcn.h>
		#include <signal.h>
		#include <stdlib.h>
		int
		bpf_obj_pin(int fd, const char *path)
		{
			static int n;

			if (++n == atoi(getenv("DIE_AT")))
				raise(SIGKILL);
			return ((int (*)(int, const char *))dlsym(RTLD_NEXT, "bpf_obj_pin"))(fd, path);
		}
	END
	exec env DIE_AT="$1" LD_PRELOAD="$PWD/dying.so" ASAN_OPTIONS="${ASAN_OPTIONS:+$ASAN_OPTIONS:}verify_asan_link_order=0" \
		"${@:2}"
}

lab_killed_pinning() {
	local n links
	for n in $(seq 100); do
		run dying "$n" ffs-hotmon -q --pin --ports 9000 --cgroup "$FFS_LAB_CGROUP" --attach="$1"
		[ "$status" -eq 137 ] || break
		# Half of it is not taken for what was to stay, and nobody is told to begin before all is attached.
		[ ! -e "$FFS_BPF_DIR/v1/meta" ]
		run -3 --separate-stderr ffs-hotmon --once
		run -0 --separate-stderr ffs-hotmon --pin --ports 9000 --cgroup "$FFS_LAB_CGROUP" --attach="$1"
		[[ $stderr != *"pinned already"* ]] || { echo "at pin $n" >&2; return 1; }
		links=$(ls "$FFS_BPF_DIR/v1/links" | paste -sd' ')
		[ "$links" = "${2}connect4 connect6 tune" ]
		ffs-hotmon --unpin
		nothing_attached
	done
	[ "$status" -eq 0 ]
	[ "$n" -gt 10 ]
	ffs-hotmon --unpin
}

@test "--pin that is killed at any pin is begun anew by the next (TCX)" {
	in_lab -n 1 lab_killed_pinning tcx "1-egress 2-egress 2-ingress "
}

# The same code as with TCX, but for what the kernel does.
# bats test_tags=plain
@test "--pin that is killed at any pin is begun anew by the next (clsact)" {
	in_lab -n 1 lab_killed_pinning clsact ""
}

lab_signals() {
	local pair
	for pair in INT:0 TERM:143 HUP:129 QUIT:131; do
		start_hotmon --ports 9000
		stop_hotmon "${pair%:*}"
		[ "$status" -eq "${pair#*:}" ]
		nothing_attached
	done
	# One that is ignored is: nohup.
	as=(nohup)
	hearing() { exec "$@"; }
	start_hotmon --ports 9000
	kill -HUP "$hotmon_pid"
	stop_hotmon TERM
	[ "$status" -eq 143 ]
	nothing_attached
}

@test "signals end it, by SIGINT with status 0, and nothing stays" {
	in_lab -n 1 lab_signals
}

# --- what is counted ---

# The store's own log: reads that were answered with all of it, and those that the kernel counted.
as_logged() {
	becomes "$(jq -s '[.[] | select(.op == "GetObject" and .status < 300) | .bytes] | add / 300000' log)" "$reads"
	[ "$(table '.[-1].counters | .midstream + .orphans + .bad_requests + .bad_responses + .split_heads')" -eq 0 ]
}

lab_clients() {
	local n
	start_node --log "$PWD/log"
	own_keys
	export AWS_DEFAULT_REGION=us-east-1 AWS_EC2_METADATA_DISABLED=true
	aws() { /usr/bin/aws --endpoint-url "$url" --no-cli-pager "$@"; }
	head -c 300000 /dev/urandom >object
	start_hotmon
	grep -q "watching port ${url##*:} (AWS_ENDPOINT_URL)" hotmon.log
	aws s3 mb s3://bkt
	for n in aws boto rclone 'ffs get' curl; do
		aws s3 cp --no-progress object "s3://bkt/dir/$n"
	done
	aws s3 cp --no-progress s3://bkt/dir/aws back
	cmp object back
	as_logged
	/usr/bin/python3 - "$url" <<-'END'
		import boto3, sys
		c = boto3.client("s3", endpoint_url=sys.argv[1])
		for i in range(3):
		    assert len(c.get_object(Bucket="bkt", Key="dir/boto")["Body"].read()) == 300000
	END
	as_logged
	rclone cat ":s3,provider=Other,env_auth,endpoint='$url':bkt/dir/rclone" | cmp - object
	as_logged
	ffs-get "s3://bkt/dir/ffs get" | cmp - object
	ffs-get "s3://bkt/dir/ffs get" | cmp - object
	as_logged
	mkdir -p "$HOME/.aws"
	printf '[default]\ns3 =\n    signature_version = s3v4\n' >"$HOME/.aws/config"
	curl -sSf "$(aws s3 presign s3://bkt/dir/curl)" | cmp - object
	as_logged
	[ "$(table '[.[] | select(.reads > 1) | .key] | sort | join(",")')" = "dir/boto,dir/ffs get" ]
	[ "$(table '.[] | select(.key == "dir/ffs get") | "\(.url) \(.hot) \(.comm) \(.configured)"')" = \
		"$url/bkt/dir/ffs%20get true ffs-get true" ]
	[ "$(jq -r .key hot 2>/dev/null || awk 'NR > 1 { print $NF }' hot | sort | paste -sd' ')" = \
		"$url/bkt/dir/boto $url/bkt/dir/ffs%20get" ]
	stop_hotmon
}

# Clients of other people, which the kernel counts.
# bats test_tags=plain
@test "reads of curl, aws, boto3, rclone and ffs-get are counted as the store logs them" {
	lab_seconds=180 in_lab -n 1 lab_clients
}

lab_minio() {
	export MINIO_ROOT_USER=peerpeer MINIO_ROOT_PASSWORD=peersecret MINIO_CI_CD=1
	"$peer" server --quiet --address 127.0.0.1:9555 data >minio.log 2>&1 &
	pids+=("$!")
	until_true 30 curl -sf http://127.0.0.1:9555/minio/health/ready
	export AWS_ENDPOINT_URL=http://127.0.0.1:9555 AWS_ACCESS_KEY_ID=$MINIO_ROOT_USER AWS_SECRET_ACCESS_KEY=$MINIO_ROOT_PASSWORD
	export AWS_DEFAULT_REGION=us-east-1 FFS_BUCKET=bkt
	start_hotmon
	seq 3000 | sed 's/$/,1,2/' >book.csv
	ffs-split -r 1000 -n book book.csv | ffs-load -q
	ffs-get book | cmp - book.csv
	ffs-get book | cmp - book.csv
	becomes "2,2,2" '[.[] | select(.type == "object" and (.key | endswith(".csv"))) | .reads] | join(",")'
	[ "$(table '[.[] | select(.type == "object" and (.key | endswith(".json")))] | length')" -eq 0 ]
	[ "$(table '.[-1].counters.requests_control')" -gt 0 ]
	until_true 10 has_lines 4 hot
	stop_hotmon
}

@test "reads of a dataset on MinIO are counted, and its manifest apart" {
	peer minio
	export peer
	in_lab -n 1 lab_minio
}

lab_exact() {
	local i clients=()
	mkdir -p www/bkt
	for i in $(seq 400); do head -c 4096 /dev/zero >"www/bkt/k$i"; done
	start_nginx <<-END
		access_log $PWD/access.log;
		keepalive_requests 100000;
		server { listen 127.0.0.1:9666; root $PWD/www; }
	END
	until_true 20 curl -s http://127.0.0.1:9666/ -o /dev/null
	start_hotmon --ports 9666
	: >access.log
	for i in $(seq 32); do
		curl -sSf "http://127.0.0.1:9666/bkt/k[1-$((i < 32 ? 312 : 328))]" -o /dev/null &
		clients+=("$!")
	done
	wait "${clients[@]}"
	[ "$(wc -l <access.log)" -eq 10000 ]
	becomes 10000 "$reads"
	[ "$(table '.[-1].counters | "\(.requests) \(.responses) \(.reads) \(.conns)"')" = "10000 10000 10000 32" ]
	[ "$(losses)" = "{}" ]
	# The last 16 were read once.
	[ "$(table '[.[] | select(.hot)] | length')" -eq 312 ]
	until_true 10 has_lines 313 hot
	stop_hotmon
	[ "$status" -eq 0 ]
}

@test "10,000 requests over 32 connections are counted as the store's log has them, none lost" {
	need_cmd /usr/sbin/nginx
	in_lab -n 1 lab_exact
}

lab_tiny() {
	local i
	start_store
	for i in $(seq 100); do cp store/bkt/a "store/bkt/k$i"; done
	# Nobody sweeps what is pinned, and nobody reads the ring.
	run -0 ffs-hotmon --pin -q --hot 1 --rearm 0 --max-objects 32 --max-conns 16 --ring-size 1 --ports "$ports" \
		--cgroup "$FFS_LAB_CGROUP"
	curl -sSf "$url/bkt/k[1-100]" -o /dev/null
	curl -sSf "$url/bkt/k[1-20]" -o back
	cmp back object
	[ "$(table '[.[] | select(.type == "object")] | length')" -le 32 ]
	[ "$(table '.[-1].counters.objects_full')" -ge 68 ]
	[ "$(table '.[-1].counters.ring_full')" -gt 0 ]
	run -0 --separate-stderr ffs-hotmon --once
	[[ $stderr == *"lost: "*"objects_full"* ]]
	[[ $stderr == *"ring_full"* ]]
	run -0 --separate-stderr ffs-hotmon --once -q
	[ -z "$stderr" ]
	# More connections at a time than there is room for.
	for i in $(seq 60); do curl -s "$url/bkt/k1" -o /dev/null & done
	wait $(jobs -p | grep -vx "$node_pid")
	curl -sSf "$url/bkt/k1" -o back
	cmp back object
	ffs-hotmon --unpin
	nothing_attached
}

@test "tiny tables and a tiny ring count what they lose and break nothing" {
	in_lab -n 1 lab_tiny
}

lab_sweep() {
	local i
	start_store
	for i in $(seq 60); do cp store/bkt/a "store/bkt/k$i"; done
	start_hotmon --max-objects 32 --ports "$ports"
	curl -sSf "$url/bkt/k[1-30]" -o /dev/null
	until_true 10 grep -q 'forgot the [0-9]* objects' hotmon.log
	becomes 24 '[.[] | select(.type == "object")] | length'
	# The oldest went, by last read.
	[ "$(table '[.[] | select(.type == "object") | .key[1:] | tonumber] | sort | .[0]')" -eq 7 ]
	curl -sSf "$url/bkt/k[31-34]" -o /dev/null
	becomes 4 '[.[] | select(.type == "object") | .key[1:] | tonumber | select(. > 30)] | length'
	[ "$(table '.[-1].counters.objects_full')" -eq 0 ]
	stop_hotmon
}

@test "a table that is nearly full forgets what was read least recently" {
	in_lab -n 1 lab_sweep
}

# --- output ---

lab_output() {
	start_store
	start_hotmon --ports "$ports" --json
	curl -sS "$url/bkt/a" "$url/bkt/a" -o one -o two
	until_true 10 has_lines 1 hot
	[ "$(jq -r '[.type, .url, .bucket, .key, .endpoint, .hot, .reads, .size, .bytes, .comm] | map(tostring) | join(" ")' hot)" = \
		"hot $url/bkt/a bkt a $url true 2 1000 2000 curl" ]
	[ "$(jq '.lat_p50_us > 0 and .lat_p99_us >= .lat_p50_us and .ttfb_mean_us <= .lat_max_us' hot)" = true ]
	# The URL is one that works, whatever the name.
	curl -sSf -T object "$url/bkt/odd%20name%20+%2541&%C3%BC%21.bin"
	curl -sSf "$url/bkt/odd%20name%20+%2541&%C3%BC%21.bin?x-id=GetObject" | cmp - object
	becomes 3 "$reads"
	curl -sSf "$(table '.[] | select(.key and (.key | startswith("odd"))) | .url')" | cmp - object
	becomes "odd name +%41&ü!.bin 2" '.[] | select(.key and (.key | startswith("odd"))) | "\(.key) \(.reads)"'
	until_true 10 has_lines 2 hot
	# --once, where nobody reads it, and where it cannot be written.
	run -1 --separate-stderr bash -c 'ffs-hotmon --once --json >/dev/full'
	[[ $stderr == *"No space left"* ]]
	run -141 bash -c 'set -o pipefail; ffs-hotmon --once --json | true; exit "${PIPESTATUS[0]}"' || [ "$status" -eq 0 ]
	stop_hotmon
	# The same while it runs: the programs go.
	ffs-hotmon -v --cgroup "$FFS_LAB_CGROUP" --ports "$ports" >/dev/full 2>hotmon.log &
	status=0
	wait $! || status=$?
	[ "$status" -eq 1 ]
	nothing_attached
	mkfifo pipe
	: >hotmon.log # of the one before: this one's is opened behind the pipe
	hearing ffs-hotmon -v --cgroup "$FFS_LAB_CGROUP" --ports "$ports" --json >pipe 2>hotmon.log &
	hotmon_pid=$!
	exec 9<pipe
	until_true 20 grep -q 'attached to lo' hotmon.log
	exec 9<&-
	curl -sS "$url/bkt/b" "$url/bkt/b" -o one -o two
	status=0
	wait "$hotmon_pid" || status=$?
	[ "$status" -eq 141 ]
	nothing_attached
}

@test "JSON has what it should, and what cannot be written ends it" {
	in_lab -n 1 lab_output
}

# A name server that takes its time is asked after all is attached.
lab_early() {
	start_store
	python3 -c 'import socket, time
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(("127.0.0.1", 53))
time.sleep(60)' 3>&- &
	pids+=($!)
	until_true 20 grep -q :0035 /proc/net/udp
	printf 'nameserver 127.0.0.1\noptions timeout:2 attempts:1\n' >resolv.conf
	mount --bind resolv.conf /etc/resolv.conf
	AWS_ENDPOINT_URL=http://slow.example:9000 start_hotmon --ports "$ports" --json
	curl -sS "$url/bkt/a" "$url/bkt/a" -o one -o two
	[ ! -s hot ]
	until_true 10 has_lines 1 hot
	curl -sS "$url/bkt/b" "$url/bkt/b" -o one -o two
	until_true 10 has_lines 2 hot
	[ "$(jq -r .key hot | xargs)" = "a b" ]
	stop_hotmon
}

@test "what becomes hot while the names of stores are looked up is told" {
	in_lab -n 1 lab_early
}

lab_stats() {
	start_store
	run -0 ffs-hotmon --pin -q --ports "$ports" --cgroup "$FFS_LAB_CGROUP"
	run -0 --separate-stderr ffs-hotmon --once --json --stats
	[[ $stderr == *"the kernel measures nothing"* ]] || [ "$(cat /proc/sys/kernel/bpf_stats_enabled)" = 1 ]
	[ "$(jq -s -r '[.[] | select(.type == "program") | .name] | sort | join(" ")' <<<"$output")" = \
		"ffs_connect4 ffs_connect6 ffs_traffic ffs_tune" ]
	ffs-hotmon --unpin
	start_hotmon --stats --json --ports "$ports"
	curl -sS "$url/bkt/a" -o one
	becomes 1 "$reads"
	stop_hotmon
	[ "$(jq -s '[.[] | select(.name == "ffs_traffic")][0] | .runs > 0 and .ns_per_run > 0' hot)" = true ]
	run -3 ffs-hotmon --once --stats
}

@test "--stats tells what the programs cost" {
	in_lab -n 1 lab_stats
}

@test "a command line that is wrong is refused" {
	local o
	for o in "--hot 0" "--hot x" "--hot -1" "--rearm x" "--window 0" "--ring-size 0" "--ring-size 2g" \
		"--max-objects 1" "--max-conns 1" "--max-objects 99999999999" "--ports x" "--ports 0" "--ports 70000" \
		"--ports 1,,2" "--ports 9-8" "--ports 80-" "--attach xdp" "--group no-such-group" \
		"-i a/b" "-i waytoolongforaninterface" "-i a,,b" "argument" "--pin --unpin" "--pin --once" \
		"--once --ports 1" "--unpin -i lo" "--json --pin" "--pin --stats"; do
		# shellcheck disable=SC2086 # words
		usage_error ffs-hotmon $o || { echo "$o" >&2; false; }
	done
	usage_error ffs-hotmon --ports ""
	usage_error ffs-hotmon -i ""
}

lab_config() {
	mkdir -p "$HOME/.config/ffs"
	echo "a nonsense" >"$HOME/.config/ffs/nodes"
	run -2 --separate-stderr ffs-hotmon --cgroup "$FFS_LAB_CGROUP"
	[[ $stderr == "ffs-hotmon: $HOME/.config/ffs/nodes:1: "* ]]
	nothing_attached
	printf '%s\n' "a https://secure.example:9443" "b http://127.0.0.1:8111" "c http://10.77.0.1:8111" >"$HOME/.config/ffs/nodes"
	start_hotmon
	[ "$(head -1 hotmon.log)" = "ffs-hotmon: watching port 8111 ($HOME/.config/ffs/nodes:2), 9000 (default)" ]
	grep -q "TLS is watched with --tls only: https://secure.example:9443 ($HOME/.config/ffs/nodes:1)" hotmon.log
	stop_hotmon
	# Said without -v, too: who reads from there only would wait for ever.
	run -0 --separate-stderr ffs-hotmon --pin --cgroup "$FFS_LAB_CGROUP"
	[ "${stderr_lines[1]}" = "ffs-hotmon: TLS is watched with --tls only: https://secure.example:9443 ($HOME/.config/ffs/nodes:1)" ]
	ffs-hotmon --unpin
}

@test "the ports are those of the configured endpoints" {
	in_lab -n 1 lab_config
}
