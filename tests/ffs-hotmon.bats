# ffs-hotmon: programs in the kernel, and what they count.  All that attaches is in the lab.
load helper.bash

# start_hotmon [OPTION...]: in the background, attached; ./hot is its output, ./hotmon.log what it
# says.  Sets hotmon_pid.
start_hotmon() {
	: >hot
	ffs-hotmon -v --cgroup "$FFS_LAB_CGROUP" "$@" >hot 2>hotmon.log &
	hotmon_pid=$!
	pids+=("$hotmon_pid")
	until_true 20 grep -q 'attached to lo' hotmon.log || { cat hotmon.log >&2; return 1; }
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

# nothing_attached: no program, filter, qdisc or pin of ours in the lab.
nothing_attached() {
	local dev
	[ -z "$(find "$FFS_BPF_DIR/v1" -type f)" ] || { find "$FFS_BPF_DIR/v1" >&2; return 1; }
	for dev in $(ls /sys/class/net); do
		[[ "$(tc qdisc show dev "$dev" 2>&1)" != *clsact* ]] || return 1
	done
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

lab_counts() {
	start_store
	start_hotmon --ports "$ports" --attach="$1"
	curl -sS "$url/bkt/a" "$url/bkt/a" "$url/bkt/b" -o one -o two -o three
	becomes "2 1" '[.[] | select(.type == "object")] | sort_by(.key) | map(.reads) | join(" ")'
	until_true 10 has_lines 2 hot
	[[ $(sed -n 2p hot) == *" 2 "*" hot "*"$url/bkt/a" ]]
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
