# shellcheck shell=bash
bats_require_minimum_version 1.8.0

# Each test has a home, a configuration and an AWS environment of its own.
setup() {
	cd "$BATS_TEST_TMPDIR" || return 1
	local v
	for v in $(compgen -v | grep -E '^(AWS_|FFS_|SUDO_|XDG_)' | grep -vE '^FFS_(TEST_|PEERS$)'); do unset "$v"; done
	unset http_proxy https_proxy HTTP_PROXY HTTPS_PROXY
	export HOME="$BATS_TEST_TMPDIR/home" NO_PROXY='*' TZ=UTC LC_ALL=C.UTF-8
	mkdir -p "$HOME"
	pids=()
}

# Processes a test started end with it, by pid.
teardown() {
	local p
	for p in "${pids[@]}"; do kill -KILL "$p" 2>/dev/null && wait "$p" 2>/dev/null; done
	return 0
}

# skip for something this machine lacks: a failure in strict mode (CI).
need() {
	[ -n "${FFS_TEST_STRICT-}" ] && { echo "needed in strict mode: $1" >&2; return 1; }
	skip "$1"
}

# skip for a third-party peer or a data file that no build needs: never a failure.
may_skip() {
	skip "optional: $1"
}

# peer NAME: sets peer to the path of what scripts/peers installed; skips where it is not there.
peer() {
	local dir=${FFS_PEERS:-$BATS_TEST_DIRNAME/../build/peers}
	for peer in "$dir/bin/$1" "$dir/venv/bin/$1"; do
		[ ! -x "$peer" ] || return 0
	done
	may_skip "no $1 (scripts/peers)"
}

need_root() {
	[ "$(id -u)" -eq 0 ] || need "needs root"
}

need_cmd() {
	command -v "$1" >/dev/null || need "needs $1"
}

# usage_error TOOL [ARG...]: its status is 2, it prints nothing, and two lines on stderr: what is
# wrong, which is $why then, and where to look.
# shellcheck disable=SC2154 # what bats sets
usage_error() {
	run -2 --separate-stderr "$@"
	[ -z "$output" ] || return 1
	[ "${#stderr_lines[@]}" -eq 2 ] || { printf '%s\n' "${stderr_lines[@]}" >&2; return 1; }
	why=${stderr_lines[0]#"$1: "}
	[ "${stderr_lines[0]}" = "$1: $why" ] && [ "${stderr_lines[1]}" = "Try '$1 --help'." ]
}

# until_true SECONDS COMMAND...: poll with a deadline.
until_true() {
	local end=$((SECONDS + $1))
	shift
	until "$@"; do
		[ "$SECONDS" -lt "$end" ] || { echo "gave up waiting for: $*" >&2; return 1; }
		sleep 0.02
	done
}

# start_node [OPTION...]: a store of our own on a free loopback port over ./store.
# Sets url and node_pid; its keys are in the test's own ~/.config/ffs/credentials.
start_node() {
	rm -f node.url # of a node before
	ffs-node --serve ./store --listen 127.0.0.1:0 --fsync=never "$@" >node.url 2>node.log 3>&- &
	node_pid=$!
	pids+=("$node_pid")
	until_true 20 test -s node.url || { cat node.log >&2; return 1; }
	url=$(cat node.url)
	export AWS_ENDPOINT_URL="$url"
}

# start_nginx: its files are here, and standard input is the rest of its block http.  Sets nginx_pid.
start_nginx() {
	need_cmd nginx
	mkdir -p tmp
	{
		cat <<-END
			daemon off;
			pid $PWD/nginx.pid;
			error_log $PWD/nginx.log;
			worker_processes 1;
			user root;
			events { worker_connections 512; }
			http {
				client_body_temp_path $PWD/tmp/1;
				proxy_temp_path $PWD/tmp/2;
				fastcgi_temp_path $PWD/tmp/3;
				uwsgi_temp_path $PWD/tmp/4;
				scgi_temp_path $PWD/tmp/5;
				client_max_body_size 0;
		END
		cat
		echo "}"
	} >nginx.conf
	nginx -p "$PWD" -c "$PWD/nginx.conf" 2>>nginx.log 3>&- &
	nginx_pid=$!
	pids+=("$nginx_pid")
}

# own_keys: the node's keys into the environment, for a proxy's URL.
own_keys() {
	local file=$HOME/.config/ffs/credentials
	AWS_ACCESS_KEY_ID=$(sed -n 's/^aws_access_key_id *= *//p' "$file" | head -1)
	AWS_SECRET_ACCESS_KEY=$(sed -n 's/^aws_secret_access_key *= *//p' "$file" | head -1)
	export AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY
}

# A port for what cannot find one itself.  Not one of those that the kernel gives to whoever connects or
# listens on port 0: it would be taken again before it is used.
free_port() {
	need_cmd /usr/bin/python3 || return 1
	/usr/bin/python3 - <<-'END'
		import random, socket
		with open("/proc/sys/net/ipv4/ip_local_port_range") as f:
		    end = max(int(f.read().split()[0]), 12000)
		while True:
		    port = random.randrange(10000, end)
		    try:
		        with socket.socket() as s:
		            s.bind(("127.0.0.1", port))
		        break
		    except OSError:
		        pass
		print(port)
	END
}

# start_peer NAME COMMAND...: a store of scripts/peers over ./data, its keys and URL in the environment.
# PORT in the command is a free one.
start_peer() {
	local name=$1 port peers=${FFS_PEERS:-$BATS_TEST_DIRNAME/../build/peers}
	shift
	[ -x "$peers/bin/$name" ] || may_skip "scripts/peers has not installed $name"
	port=$(free_port)
	export AWS_ACCESS_KEY_ID=testkey AWS_SECRET_ACCESS_KEY=testsecret
	rm -rf data # of a store before
	mkdir data
	"$peers/bin/$name" "${@//PORT/$port}" >peer.log 2>&1 3>&- &
	pids+=("$!")
	export AWS_ENDPOINT_URL=http://127.0.0.1:$port
	until_true 60 listening "$port" || { cat peer.log >&2; return 1; }
}

listening() {
	(exec 4<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null
}

start_minio() {
	MINIO_ROOT_USER=testkey MINIO_ROOT_PASSWORD=testsecret MINIO_BROWSER=off MINIO_UPDATE=off \
		start_peer minio server --quiet --address 127.0.0.1:PORT data
}

start_versitygw() {
	ROOT_ACCESS_KEY=testkey ROOT_SECRET_KEY=testsecret start_peer versitygw --port 127.0.0.1:PORT posix data
}

# start_gate [OPTION...]: ffs-cache --serve on a free loopback port, in front of $url.
# Sets gate_url and gate_pid; with --metrics also metrics, its ADDR:PORT.
start_gate() {
	: >gate.url # of one before
	ffs-cache --serve 127.0.0.1:0 --origin "$url" "$@" >gate.url 2>gate.log 3>&- &
	gate_pid=$!
	pids+=("$gate_pid")
	until_true 20 test -s gate.url || { cat gate.log >&2; return 1; }
	# shellcheck disable=SC2034 # the tests'
	gate_url=$(head -n 1 gate.url)
	# shellcheck disable=SC2034
	metrics=$(sed -n '2s,^http://\(.*\)/metrics$,\1,p' gate.url)
}

stop_gate() {
	kill "$gate_pid"
	wait "$gate_pid"
}

# quick_aws PROGRAM: ./aws, which is that aws command, but for the time that it takes to start.
quick_aws() {
	rm -f aws.socket
	"$(sed -n '1s/^#! *//p' "$1")" "$BATS_TEST_DIRNAME/aws_quick" --serve aws.socket >aws.log 2>&1 3>&- &
	pids+=("$!")
	printf '#!/bin/sh\nexec "%s" "%s" "$@"\n' "$BATS_TEST_DIRNAME/aws_quick" "$PWD/aws.socket" >aws
	chmod +x aws
	until_true 60 test -S aws.socket || { cat aws.log >&2; return 1; }
}

# proxy RULE...: see tests/proxy; ./requests is its log.
proxy() {
	need_cmd /usr/bin/python3 || return 1
	own_keys
	: >requests
	: >proxy.url
	"$BATS_TEST_DIRNAME/proxy" "$url" requests "$@" >proxy.url 2>proxy.err 3>&- &
	pids+=("$!")
	until_true 20 test -s proxy.url || { cat proxy.err >&2; return 1; }
	AWS_ENDPOINT_URL=$(cat proxy.url)
	export AWS_ENDPOINT_URL
}

# in_lab [-n HOSTS] [-r RATE] FUNCTION [ARG...]: a function of the test file, on host h1 of
# scripts/lab: interfaces, bpffs and cgroup ($FFS_LAB_CGROUP, for --cgroup) are its own, and gone
# behind it. It fails at its first command that does; variables must be exported to be seen there.
in_lab() {
	local args=()
	need_root || return 1
	while [[ $1 == -* ]]; do
		args+=("$1" "$2")
		shift 2
	done
	# A script, not bash -c: run of bats could not set the flag c again, and would lose errexit.
	{
		declare -f
		cat <<-'END'
			pids=()
			trap "trap - ERR; set +e; teardown" EXIT
			trap 'echo "in the lab: $BASH_COMMAND (${FUNCNAME[*]:0:2}): ${output-}${stderr-}" >&2' ERR
			trap 'echo "in the lab, out of time: $BASH_COMMAND (${FUNCNAME[*]:0:2}) line $LINENO" >&2; exit 1' TERM
			set -eE
			"$@"
		END
	} >lab.bash
	export BATS_TEST_DIRNAME
	timeout --kill-after=10 "${lab_seconds:-120}" "$BATS_TEST_DIRNAME/../scripts/lab" \
		"${args[@]}" bash ./lab.bash "$@" 3>&-
}
