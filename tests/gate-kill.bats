# kill -9 of gateway, ffs-hotmon and store, again and again under load, with the redirect on: programs
# see at most what a store's restart would show them, and what they get is right.
load helper.bash

# Something is under way all the time: a kill comes when so many more answers have been given.
progressed() {
	[ "$(cat progress 2>/dev/null || echo 0)" -ge "$1" ]
}
more() {
	until_true 60 progressed $(($(cat progress) + $1)) || { cat load.out load.err gate.log hotmon.log >&2; return 1; }
}

watch() {
	: >hotmon.log
	ffs-hotmon -v --redirect --cgroup "$FFS_LAB_CGROUP" --ports "${url##*:}" >hot 2>hotmon.log 3>&- &
	hotmon_pid=$!
	pids+=("$hotmon_pid")
	until_true 20 grep -q 'attached to lo' hotmon.log || { cat hotmon.log >&2; return 1; }
}

# killed PID: at once, whatever it is doing.
killed() {
	kill -KILL "$1"
	wait "$1" 2>/dev/null || true
}

restart_node() {
	ffs-node --serve ./store --listen "${url#http://}" --fsync=never >node.url 2>node.log 3>&- &
	node_pid=$!
	pids+=("$node_pid")
}

begin() {
	need_cmd /usr/bin/python3
	start_node
	own_keys
	watch
	start_gate --admit all
	rm -f stop progress
	/usr/bin/python3 "$BATS_TEST_DIRNAME/gate/load" "$url" bkt >load.out 2>load.err 3>&- &
	load_pid=$!
	pids+=("$load_pid")
	until_true 60 test -s progress || { cat load.err >&2; return 1; }
	more 30
}

# What the load has seen: sets seen.
ends() {
	touch stop
	until_true 90 test -s load.out || { cat load.err >&2; return 1; }
	wait "$load_pid"
	seen=$(cat load.out)
	[ "$(jq '.wrong + .old' <<<"$seen")" -eq 0 ] || { echo "$seen" >&2; return 1; }
	[ "$(jq .failed <<<"$seen")" -eq 0 ] || { echo "$seen" >&2; return 1; }
	# It was at work, and with the gateway.
	[ "$(jq .done <<<"$seen")" -gt 100 ] && [ "$(jq .writes <<<"$seen")" -gt 10 ] || { echo "$seen" >&2; return 1; }
	plain_read
	[ "$(ffs-hotmon --once --json | jq 'select(.counters).counters.redirected')" -gt 0 ]
	# Nothing wrong was kept, either.
	ffs-cache --verify
}

# One connection of its own: what a program without any retries gets.
plain_read() {
	curl -sS -f -o got --aws-sigv4 aws:amz:us-east-1:s3 --user "$AWS_ACCESS_KEY_ID:$AWS_SECRET_ACCESS_KEY" \
		-H "x-amz-content-sha256: UNSIGNED-PAYLOAD" "$url/bkt/k7"
}

lab_gateway() {
	local i rc
	begin
	plain_read
	cp got right
	for ((i = 0; i < 12; i++)); do
		more $((i * 3 % 17 + 1))
		kill -KILL "$gate_pid"
		# While it dies a connection may break, as by any server's end; none is ever refused (7).
		rc=0
		plain_read || rc=$?
		[[ $rc =~ ^(0|18|52|56)$ ]]
		[ "$rc" -ne 0 ] || cmp got right
		wait "$gate_pid" || true
		# From then on they go to the store.
		plain_read
		cmp got right
		start_gate --admit all
		plain_read
		cmp got right
	done
	more 30
	ends
}

lab_hotmon() {
	local i
	begin
	plain_read
	cp got right
	for ((i = 0; i < 6; i++)); do
		more $((i * 5 % 17 + 1))
		killed "$hotmon_pid"
		plain_read
		cmp got right
		more 5
		watch
		plain_read
		cmp got right
	done
	more 30
	ends
}

lab_store() {
	local i
	begin
	for ((i = 0; i < 6; i++)); do
		more $((i * 7 % 17 + 1))
		killed "$node_pid"
		restart_node
		until_true 20 plain_read
		more 5
	done
	ends
}

lab_all() {
	local i
	begin
	for ((i = 0; i < 8; i++)); do
		more $((i * 5 % 13 + 1))
		case $((i % 4)) in
		0) killed "$gate_pid" && killed "$node_pid" && restart_node && start_gate --admit all ;;
		1) killed "$hotmon_pid" && killed "$gate_pid" && start_gate --admit all && watch ;;
		2) killed "$node_pid" && killed "$hotmon_pid" && watch && restart_node ;;
		3) killed "$gate_pid" && killed "$hotmon_pid" && killed "$node_pid" && restart_node && watch &&
			start_gate --admit all ;;
		esac
		until_true 20 plain_read
	done
	more 30
	ends
}

@test "the gateway is killed at any moment: nobody is refused, and nobody gets a wrong byte" {
	in_lab -n 1 lab_gateway
}

@test "ffs-hotmon is killed at any moment: programs go on" {
	in_lab -n 1 lab_hotmon
}

@test "the store is killed at any moment: programs see that, and no more" {
	in_lab -n 1 lab_store
}

@test "all of them are killed, in any order" {
	in_lab -n 1 lab_all
}
