# scripts/lab: hosts on one machine.
# It is about a script.
# bats file_tags=plain
load helper.bash

bats_require_minimum_version 1.8.0

setup_file() {
	lab=$(realpath "$BATS_TEST_DIRNAME/../scripts/lab")
	export lab
}

# No process, mount, cgroup or directory of a lab below the test's TMPDIR.
left_nothing() {
	[ -z "$(ls -A tmp)" ] || { ls tmp >&2; return 1; }
	run -1 grep -F "$PWD/tmp/" /proc/self/mounts
	local cgroup2
	cgroup2=$(awk '$3 == "cgroup2" { print $2; exit }' /proc/self/mounts)
	[ ! -s name ] || [ ! -e "$cgroup2/$(cat name)" ]
}

run_lab() {
	mkdir -p tmp
	TMPDIR=$PWD/tmp timeout 60 "$lab" "$@"
}

@test "hosts have addresses and reach each other" {
	need_root
	run -0 --separate-stderr run_lab -n 3 bash -ec '
		basename "$FFS_LAB" >name
		ip -br addr show eth0
		/usr/bin/python3 -m http.server -b 10.77.0.3 8000 >/dev/null 2>&1 && false
		'"$lab"' on h3 /usr/bin/python3 -m http.server -b :: 8000 >/dev/null 2>&1 &
		for i in $(seq 200); do curl -s -o /dev/null http://10.77.0.3:8000/ && break; sleep 0.05; done
		curl -s -o /dev/null -w "%{http_code}\n" http://10.77.0.3:8000/
		curl -s -o /dev/null -w "%{http_code}\n" "http://[fd77::3]:8000/"'
	[[ ${lines[0]} == *" 10.77.0.1/24 fd77::1/64 "* ]]
	[ "${lines[1]} ${lines[2]}" = "200 200" ]
	left_nothing
}

@test "a rate shapes both directions of every host" {
	need_root
	run -0 --separate-stderr run_lab -r 170mbit bash -c "tc qdisc show dev eth0; '$lab' on h2 tc qdisc show dev eth0
		nsenter --net=/proc/\$PPID/ns/net tc qdisc show dev p2"
	[ "$(grep -c 'tbf .*rate 170Mbit' <<<"$output")" -eq 3 ]
}

@test "pins and cgroups are the lab's own" {
	need_root
	run -0 --separate-stderr run_lab bash -c 'stat -f -c %T "$FFS_BPF_DIR"; echo "${#FFS_LAB_CGROUP}"; sed -n s/^0:://p /proc/self/cgroup'
	[ "${lines[0]}" = bpf_fs ]
	[ "${lines[1]}" -eq 0 ] || [[ ${lines[2]} == */ffs-lab.* ]]
	left_nothing
}

@test "the lab ends as its command does and leaves nothing" {
	need_root
	run -7 run_lab bash -c 'basename "$FFS_LAB" >name; sleep 1000 & exit 7'
	left_nothing
	# Nor the cgroups within its own, and who is in there.
	run -7 run_lab bash -c 'basename "$FFS_LAB" >name; [ -n "$FFS_LAB_CGROUP" ] || exit 7
		mkdir -p "$FFS_LAB_CGROUP/a/b" && echo $$ >"$FFS_LAB_CGROUP/a/b/cgroup.procs"; sleep 1000 & exit 7'
	left_nothing
	run -127 run_lab nonsense-no-such-command
	left_nothing
}

@test "a signal ends the lab and all that runs in it" {
	need_root
	mkdir -p tmp
	TMPDIR=$PWD/tmp "$lab" bash -c 'basename "$FFS_LAB" >name; echo $$ >pid; sleep 1000 & wait' 3>&- &
	pid=$!
	pids+=("$pid")
	until_true 30 test -s pid
	kill -TERM "$pid"
	rc=0
	wait "$pid" || rc=$?
	[ "$rc" -eq 143 ]
	left_nothing
	[ ! -e "/proc/$(cat pid)" ]
}

@test "a bad command line is a usage error, an unknown host not found" {
	run -2 "$lab"
	run -2 "$lab" -n 0 true
	run -2 "$lab" -x true
	run -2 "$lab" on h1
	run -3 "$lab" on h1 true
	run -0 "$lab" -h
}
