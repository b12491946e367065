# The redirect of ffs-hotmon: real sockets of programs that know nothing of it.  The gateway is
# tests/bpf/gateway, which knows nothing of S3, or the real one.  All that attaches is in the lab.
load helper.bash

export programs="${FFS_TEST_BUILD:-$BATS_TEST_DIRNAME/../build}/tests/bpf"

# A shell without job control has what it starts in the background ignore SIGINT.
start_hotmon() {
	: >hotmon.log
	env --default-signal "${as[@]}" ffs-hotmon -v --cgroup "${cgroup-$FFS_LAB_CGROUP}" "$@" >hot 2>hotmon.log &
	hotmon_pid=$!
	pids+=("$hotmon_pid")
	until_true 20 grep -q 'attached to lo' hotmon.log || { cat hotmon.log >&2; return 1; }
}
as=()

# A store with bkt/a, and with one argument more another on IPv6, with bkt/b.
start_stores() {
	mkdir -p "$HOME/.config/ffs"
	start_node --anonymous
	curl -sS -X PUT "$url/bkt" -o /dev/null
	head -c 1000 /dev/zero >object
	curl -sS -T object "$url/bkt/a"
	port=${url##*:}
	echo "a $url" >"$HOME/.config/ffs/nodes"
	unset AWS_ENDPOINT_URL
	[ $# -gt 0 ] || return 0
	ffs-node --serve ./store6 --listen '[::1]:0' --fsync=never --anonymous >node6.url 2>node6.log 3>&- &
	pids+=("$!")
	until_true 20 test -s node6.url || { cat node6.log >&2; return 1; }
	url6=$(cat node6.url)
	port6=${url6##*:}
	echo "b $url6" >>"$HOME/.config/ffs/nodes"
	curl -sS -X PUT "$url6/bkt" -o /dev/null
	curl -sS -T object "$url6/bkt/b"
}

# Port 9009 of both families; ./gateway.log has a line for each connection.
start_gateway() {
	: >gateway.log
	told_all=
	"${before[@]}" "$programs/gateway" "$port" 9009 >gateway.log 2>&1 &
	gateway_pid=$!
	pids+=("$gateway_pid")
	until_true 20 grep -qx "${state:-on}" gateway.log || { cat gateway.log hotmon.log >&2; return 1; }
}
before=()

gone() {
	kill -KILL "$1"
	wait "$1" || true
}

# told LINE: of connections, the gateway has that line behind those that were told before, soon.
told_all=
has_told() {
	[ "$(sed '/^at /d; /^o[nf]/d' gateway.log | paste -sd';')" = "$told_all" ]
}
told() {
	told_all=${told_all:+$told_all;}$1
	until_true 10 has_told || { echo "not: $told_all" >&2; cat gateway.log >&2; return 1; }
}

# By itself: nobody else came before.
direct() {
	curl -sSf http://127.0.0.1:9009/bkt/a | cmp - object
	told "direct uid 0 comm curl"
}

counter() {
	ffs-hotmon --once --json | jq ".counters.$1 // empty"
}
counts() {
	[ "$(counter "$1")" -gt 0 ]
}

# has_lines N FILE
has_lines() {
	[ "$(wc -l <"$2")" -ge "$1" ]
}

# What --once tells of bkt/a.
is_in_table() {
	[ "$(ffs-hotmon --once --json | jq -r "select(.key == \"a\") | $2")" = "$1" ]
}

is_on() {
	[ "$(grep '^o[nf]' gateway.log | tail -1)" = "${1:-on}" ]
}

# --- which sockets ---

py() {
	/usr/bin/python3 - "$port" "$port6"
}

lab_sockets() {
	start_stores both
	start_hotmon --redirect
	start_gateway
	curl -sSf -4 "$url/bkt/a" | cmp - object
	told "127.0.0.1:$port uid 0 comm curl"
	curl -sSf -6 "$url6/bkt/b" | cmp - object
	told "[::1]:$port6 uid 0 comm curl"
	# A mapped address of an IPv6 socket; one that does not block; one from an address of its own.
	py <<-'END'
		import errno, select, socket, sys
		port, port6 = int(sys.argv[1]), int(sys.argv[2])
		def ask(s):
		    s.sendall(b"GET /bkt/a HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
		    assert s.recv(100).startswith(b"HTTP/1.1 200"), "no answer"
		s = socket.socket(socket.AF_INET6)
		s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
		s.connect(("::ffff:127.0.0.1", port))
		assert s.getpeername()[:2] == ("::ffff:127.0.0.1", port), s.getpeername()
		ask(s)
		s = socket.socket()
		s.setblocking(False)
		assert s.connect_ex(("127.0.0.1", port)) in (0, errno.EINPROGRESS)
		select.select([], [s], [])
		assert s.connect_ex(("127.0.0.1", port)) in (0, errno.EISCONN)
		assert s.getpeername() == ("127.0.0.1", port), s.getpeername()
		s.setblocking(True)
		ask(s)
		s = socket.socket()
		s.bind(("127.0.0.7", 0))
		s.connect(("127.0.0.1", port))
		assert s.getpeername() == ("127.0.0.1", port), s.getpeername()
		ask(s)
		s = socket.socket(socket.AF_INET6)
		s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
		s.connect(("::1", port6))
		assert s.getpeername()[:2] == ("::1", port6), s.getpeername()
	END
	told "127.0.0.1:$port uid 0 comm python3;127.0.0.1:$port uid 0 comm python3;127.0.0.1:$port uid 0 comm python3;[::1]:$port6 uid 0 comm python3"
	[ "$(counter redirected)" -eq 6 ]
	# These go where they want to: UDP, MPTCP, bound to a device, another port, a socket that was
	# redirected before. One of one family only stays what it is.
	py <<-'END'
		import ctypes, socket, sys
		port, port6 = int(sys.argv[1]), int(sys.argv[2])
		s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
		s.connect(("127.0.0.1", port))
		assert s.getpeername() == ("127.0.0.1", port)
		try:
		    s = socket.socket(socket.AF_INET, socket.SOCK_STREAM, 262)
		    s.connect(("127.0.0.1", port))
		    assert s.getpeername() == ("127.0.0.1", port)
		except OSError as e:
		    print("no MPTCP here:", e)
		s = socket.socket()
		s.setsockopt(socket.SOL_SOCKET, 25, b"lo")
		s.connect(("127.0.0.1", port))
		assert s.getpeername() == ("127.0.0.1", port)
		s = socket.socket(socket.AF_INET6)
		s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
		try:
		    s.connect(("::ffff:127.0.0.1", port))
		    assert False
		except OSError:
		    pass
		other = socket.socket()
		other.bind(("127.0.0.1", 0))
		other.listen(5)
		s = socket.socket()
		s.connect(("127.0.0.1", port))
		assert s.getpeername() == ("127.0.0.1", port)
		s.sendall(b"GET /bkt/a HTTP/1.1\r\nHost: x\r\n\r\n")
		assert s.recv(100).startswith(b"HTTP/1.1 200")
		libc = ctypes.CDLL(None, use_errno=True)
		assert libc.connect(s.fileno(), bytes(16), 16) == 0  # AF_UNSPEC
		s.connect(other.getsockname())
		assert s.getpeername() == other.getsockname()
		s.sendall(b"x")
		c, _ = other.accept()
		assert c.recv(1) == b"x"
	END
	told "127.0.0.1:$port uid 0 comm python3"
	direct
	# With the one that cannot be reached.
	[ "$(counter redirected)" -eq 8 ]
	# Nobody was refused, and nothing was lost.
	[ "$(counter gate_away)" -eq 0 ]
}

@test "TCP to a store is redirected: IPv4, IPv6, mapped; the peer's name is the store's" {
	in_lab -n 1 lab_sockets
}

lab_stores() {
	start_stores both
	ffs-node --serve ./other --listen 127.0.0.1:0 --fsync=never --anonymous >other.url 2>other.log &
	pids+=("$!")
	until_true 20 test -s other.url
	# Watched, but not configured; and one that is not plain HTTP.
	echo "c https://127.0.0.1:9443" >>"$HOME/.config/ffs/nodes"
	other=$(cat other.url)
	curl -sS -X PUT "$other/bkt" -o /dev/null
	curl -sS -T object "$other/bkt/a"
	start_hotmon --redirect --ports "$port,$port6,${other##*:},9443"
	grep -q "it gets connections of uid 0 to 127.0.0.1:$port, \[::1\]:$port6$" hotmon.log
	grep -q "TLS cannot be redirected: https://127.0.0.1:9443" hotmon.log
	start_gateway
	curl -sSf "$other/bkt/a" | cmp - object
	curl -sSf "$url/bkt/a" | cmp - object
	told "127.0.0.1:$port uid 0 comm curl"
	# A store whose port is not watched is not.
	kill -INT "$hotmon_pid" && wait "$hotmon_pid"
	start_hotmon --redirect --ports "$port6"
	until_true 10 grep -q 'the gateway (process' hotmon.log
	curl -sSf "$url/bkt/a" | cmp - object
	direct
}

@test "only configured stores with plain HTTP that are watched are redirected" {
	in_lab -n 1 lab_stores
}

name_is() {
	printf '127.0.0.1 localhost\n%s store.example\n' "$1" >hosts
	cat hosts >"$FFS_LAB/hosts"
}

lab_named() {
	start_stores
	ffs-node --serve ./other --listen "127.0.0.2:$port" --fsync=never --anonymous >other.url 2>other.log &
	pids+=("$!")
	until_true 20 test -s other.url
	curl -sS -X PUT "http://127.0.0.2:$port/bkt" -o /dev/null
	curl -sS -T object "http://127.0.0.2:$port/bkt/a"
	name_is 127.0.0.2
	mount --bind "$FFS_LAB/hosts" /etc/hosts
	echo "a http://store.example:$port" >"$HOME/.config/ffs/nodes"
	start_hotmon --redirect
	grep -q "it gets connections of uid 0 to 127.0.0.2:$port$" hotmon.log
	start_gateway
	curl -sSf "http://store.example:$port/bkt/a" | cmp - object
	told "127.0.0.2:$port uid 0 comm curl"
	name_is 127.0.0.1
	until_true 30 grep -q "stores have other addresses: the gateway gets connections of uid 0 to 127.0.0.1:$port$" hotmon.log
	curl -sSf "http://127.0.0.2:$port/bkt/a" | cmp - object
	curl -sSf "http://store.example:$port/bkt/a" | cmp - object
	told "127.0.0.1:$port uid 0 comm curl"
	# It ends as ever, at once.
	kill -INT "$hotmon_pid" && wait "$hotmon_pid"
}

@test "an endpoint that is a name is looked up again" {
	in_lab -n 1 lab_named
}

# A store that asks another.
lab_peers() {
	start_stores
	start_hotmon --redirect
	start_gateway
	/usr/bin/python3 - "$port" <<-'END' >peer.log 2>&1 &
		import os, socket, sys, time
		port = int(sys.argv[1])
		s = socket.socket()
		s.bind(("127.0.0.9", port))
		s.listen(5)
		while not os.path.exists("go"):
		    time.sleep(0.05)
		c = socket.create_connection(("127.0.0.1", port))
		c.sendall(b"GET /bkt/a HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
		assert c.recv(100).startswith(b"HTTP/1.1 200")
		open("went", "w").close()
		time.sleep(60)
	END
	pids+=("$!")
	until_true 10 grep -q "stores on this machine.*: process .*\b$!\b" hotmon.log
	grep -q "stores on this machine.*: process .*\b$node_pid\b" hotmon.log
	touch go
	until_true 10 test -e went || { cat peer.log >&2; return 1; }
	direct
}

@test "a process that is a store is not redirected" {
	in_lab -n 1 lab_peers
}

# --- whose ---

nobody() {
	setpriv --reuid "${1:-65534}" --regid 65534 --clear-groups curl -sSf "$url/bkt/a" | cmp - object
}

lab_users() {
	start_stores
	start_hotmon --redirect
	start_gateway
	nobody
	direct
	kill -INT "$hotmon_pid" && wait "$hotmon_pid"
	# The gateway finds the new ones.
	start_hotmon --redirect --uid nobody,65533
	until_true 10 grep -q 'the gateway (process' hotmon.log
	nobody
	told "127.0.0.1:$port uid 65534 comm curl"
	nobody 65533
	told "127.0.0.1:$port uid 65533 comm curl"
	curl -sSf "$url/bkt/a" | cmp - object
	direct
	kill -INT "$hotmon_pid" && wait "$hotmon_pid"
	start_hotmon --redirect --uid all --exclude-comm nobody,curl-that-is-not-me
	grep -q "connections of all users (but for nobody, curl-that-is-no) to" hotmon.log
	until_true 10 grep -q 'the gateway (process' hotmon.log
	nobody
	told "127.0.0.1:$port uid 65534 comm curl"
	cp "$(command -v curl)" curl-that-is-not-me
	./curl-that-is-not-me -sSf "$url/bkt/a" | cmp - object
	curl -sSf "$url/bkt/a" | cmp - object
	told "127.0.0.1:$port uid 0 comm curl"
	kill -INT "$hotmon_pid" && wait "$hotmon_pid"
	# By default those of the user behind sudo, whose is what the gateway writes.
	mkdir -p "$FFS_LAB/config/ffs"
	cp "$HOME/.config/ffs/nodes" "$FFS_LAB/config/ffs/"
	as=(env SUDO_UID=65534 SUDO_GID=65534 SUDO_USER=nobody XDG_CONFIG_HOME="$FFS_LAB/config")
	kill "$gateway_pid" && wait "$gateway_pid"
	before=(setpriv --reuid 65534 --regid 65534 --clear-groups)
	start_hotmon --redirect --ports "$port"
	[ "$(stat -c %a:%u "$FFS_BPF_DIR"/v1/{gate,life,relays,callers,visitors} | sort -u)" = 600:65534 ]
	start_gateway
	nobody
	told "127.0.0.1:$port uid 65534 comm curl"
	curl -sSf "$url/bkt/a" | cmp - object
	nobody
	told "127.0.0.1:$port uid 65534 comm curl"
}

@test "whose connections: the invoking user's, --uid, --exclude-comm" {
	in_lab -n 1 lab_users
}

lab_cgroup() {
	start_stores
	mkdir "$FFS_LAB_CGROUP/in"
	cgroup="$FFS_LAB_CGROUP/in" start_hotmon --redirect
	start_gateway
	curl -sSf "$url/bkt/a" | cmp - object
	(
		echo $BASHPID >"$FFS_LAB_CGROUP/in/cgroup.procs"
		curl -sSf "$url/bkt/a"
	) | cmp - object
	told "127.0.0.1:$port uid 0 comm curl"
	# The gateway knows nothing of those outside.
	curl -sSf http://127.0.0.1:9009/bkt/a | cmp - object
	told unknown
	rmdir "$FFS_LAB_CGROUP/in"
}

# Seen by the programs, from a port of its own choice, to where the gateway would be.
elsewhere() {
	echo $BASHPID >"$FFS_LAB_CGROUP/in/cgroup.procs"
	unshare --net bash -c 'ip link set lo up && curl -sS --local-port 4242 http://127.0.0.1:9009/'
}

lab_netns() {
	start_stores
	mkdir "$FFS_LAB_CGROUP/in"
	cgroup="$FFS_LAB_CGROUP/in" start_hotmon --redirect
	start_gateway
	run -7 elsewhere
	[[ $output == *"onnect"* ]]
	# Another's connection with the same ends.
	curl -sSf --local-port 4242 http://127.0.0.1:9009/bkt/a | cmp - object
	told unknown
	rmdir "$FFS_LAB_CGROUP/in"
}

@test "--cgroup: only connections of that cgroup" {
	in_lab -n 1 lab_cgroup
}

@test "who connects to the gateway's address in another network namespace is not taken for a client" {
	in_lab -n 1 lab_netns
}

# --- when the gateway is not there ---

lab_killed() {
	local i clients=()
	start_stores
	start_hotmon --redirect
	start_gateway
	"$programs/connects" 127.0.0.1 "$port" /bkt/a >became1 &
	clients+=("$!")
	"$programs/connects" 127.0.0.1 "$port" >became2 &
	clients+=("$!")
	for i in $(seq 30); do
		until_true 10 has_lines 50 gateway.log
		gone "$gateway_pid"
		curl -sSf "$url/bkt/a" | cmp - object
		start_gateway
	done
	# One that ends by itself, too.
	for i in 1 2 3; do
		until_true 10 has_lines 50 gateway.log
		kill "$gateway_pid" && wait "$gateway_pid"
		curl -sSf "$url/bkt/a" | cmp - object
		start_gateway
	done
	kill "${clients[@]}"
	wait "${clients[@]}"
	cat became?
	for i in 1 2; do
		[[ $(cat "became$i") == *" 0 refused 0 other" ]] || { cat became? >&2; return 1; }
		[ "$(cut -d' ' -f1 "became$i")" -gt 100 ]
	done
	counts gate_away
}

@test "a gateway that is killed, or ends, has nobody refused, and the next is found" {
	lab_seconds=180 in_lab -n 1 lab_killed
}

straight() {
	timeout 5 curl -sSf "$url/bkt/a" -o back && cmp back object
}

lab_stopped() {
	start_stores
	start_hotmon --redirect
	start_gateway
	kill -STOP "$gateway_pid"
	# Within two seconds.
	until_true 10 grep -q 'the gateway is not there' hotmon.log
	straight
	counts gate_away
	: >hotmon.log
	kill -CONT "$gateway_pid"
	until_true 10 grep -q 'the gateway (process' hotmon.log
	# Where another takes its port, it gets nothing.
	gone "$gateway_pid"
	/usr/bin/python3 - 2>thief.log <<-'END' &
		import socket, time
		end = time.time() + 10
		while True:
		    s = socket.socket()
		    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
		    try:
		        s.bind(("127.0.0.1", 9009))
		        break
		    except OSError:
		        assert time.time() < end
		s.listen(10)
		open("taken", "w").close()
		s.accept()
		open("stolen", "w").close()
	END
	pids+=("$!")
	until_true 10 test -e taken || { cat thief.log >&2; return 1; }
	straight
	straight
	[ ! -e stolen ]
}

@test "a gateway that hangs is left after two seconds; who takes its port gets nothing" {
	in_lab -n 1 lab_stopped
}

lab_flood() {
	start_stores
	start_hotmon --redirect
	start_gateway
	# One whom it cannot accept yet, and many who come by themselves and are gone.
	/usr/bin/python3 - "$port" "$gateway_pid" <<-'END'
		import os, signal, socket, struct, sys
		os.kill(int(sys.argv[2]), signal.SIGSTOP)
		one = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
		for i in range(20000):
		    s = socket.socket()
		    s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
		    s.setblocking(False)
		    s.connect_ex(("127.0.0.1", 9009))
		    s.close()
		os.kill(int(sys.argv[2]), signal.SIGCONT)
		one.sendall(b"GET /bkt/a HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
		assert one.recv(100).startswith(b"HTTP/1.1 200"), "no answer"
	END
	until_true 10 grep -q comm gateway.log
	[ "$(grep -m1 comm gateway.log)" = "127.0.0.1:$port uid 0 comm python3" ]
	# Some of the others may have been taken just as they went.
	[ "$(grep -c "^127.0.0.1:$port" gateway.log)" -eq 1 ]
}

@test "whom a connection meant is not pushed out by those who come by themselves" {
	in_lab -n 1 lab_flood
}

lingers() {
	linger=$(pgrep -P "$gateway_pid" -x ffs-linger) && [ "$linger" != "${1-}" ]
}

lab_linger() {
	start_stores
	start_hotmon --redirect
	start_gateway
	lingers
	# What would keep the listening sockets.
	kill -KILL "$linger"
	until_true 10 lingers "$linger"
	# And only these.
	[ "$(find "/proc/$linger/fd" -lname 'socket:*' | wc -l)" -eq 2 ]
	[ "$(find "/proc/$linger/fd" -type l | wc -l)" -eq 3 ]
	gone "$gateway_pid"
	until_true 10 test ! -e "/proc/$linger"
	straight
}

@test "what keeps the listening sockets a moment longer is there again when it was killed" {
	in_lab -n 1 lab_linger
}

lab_hotmon_ends() {
	start_stores
	for how in INT KILL; do
		start_hotmon --redirect
		state=on start_gateway
		curl -sSf "$url/bkt/a" | cmp - object
			told "127.0.0.1:$port uid 0 comm curl"
		kill -"$how" "$hotmon_pid"
		wait "$hotmon_pid" || true
		straight
		until_true 10 is_on off
		curl -sSf http://127.0.0.1:9009/bkt/a | cmp - object
		until_true 10 grep -q unknown gateway.log
		kill "$gateway_pid" && wait "$gateway_pid"
	done
	# Pinned: it stays without it, until --unpin.
	run -0 ffs-hotmon --pin --redirect --ports "$port" --cgroup "$FFS_LAB_CGROUP"
	start_gateway
	curl -sSf "$url/bkt/a" | cmp - object
	told "127.0.0.1:$port uid 0 comm curl"
	run -0 ffs-hotmon --unpin
	straight
	until_true 10 is_on off
	[ "$(grep -c comm gateway.log)" -eq 1 ]
	# The kernel takes them off a moment later.
	until_true 10 cgroup_is_free
}
cgroup_is_free() {
	[ -z "$(bpftool cgroup show "$FFS_LAB_CGROUP" 2>/dev/null)" ]
}

@test "when ffs-hotmon ends, is killed or unpinned, nothing is redirected" {
	in_lab -n 1 lab_hotmon_ends
}

lab_hotmon_killed() {
	local i lines how clients=()
	start_stores
	state=off start_gateway
	for i in /bkt/a ""; do
		"$programs/connects" 127.0.0.1 "$port" ${i:+"$i"} >"became${#clients[@]}" &
		clients+=("$!")
	done
	for how in TERM KILL TERM KILL TERM KILL TERM KILL; do
		lines=$(wc -l <gateway.log)
		start_hotmon --redirect
		until_true 20 has_lines $((lines + 100)) gateway.log
		kill -"$how" "$hotmon_pid"
		wait "$hotmon_pid" || true
	done
	kill "${clients[@]}"
	wait "${clients[@]}"
	for i in 0 1; do
		[[ $(cat "became$i") == *" 0 refused 0 other" ]] || { cat became? >&2; return 1; }
	done
	run -1 grep unknown gateway.log
}

@test "ffs-hotmon ends and is killed under load: of each who is redirected the gateway is told whom he meant" {
	in_lab -n 1 lab_hotmon_killed
}

# --- what is counted ---

lab_counted() {
	start_stores
	start_hotmon --redirect
	start_gateway
	curl -sSf "$url/bkt/a" "$url/bkt/a" -o one -o two
	until_true 10 has_lines 2 hot
	[[ $(sed -n 2p hot) == *" 2 "*" hot "*" curl "*"$url/bkt/a" ]]
	cmp one object
	# Another program over it: who read last is the client.
	/usr/bin/python3 -c 'import sys, urllib.request; urllib.request.urlopen(sys.argv[1]).read()' "$url/bkt/a"
	until_true 10 is_in_table "3 python3 0" '"\(.reads) \(.comm) \(.uid)"'
	# By itself to the gateway: the same.
	curl -sSf "http://127.0.0.1:9009/bkt/a" -o one
	until_true 10 is_in_table "4 curl $url/bkt/a" '"\(.reads) \(.comm) \(.url)"'
	[ "$(counter requests_self)" -eq 0 ]
	# On a port that is watched it is counted once, too.
	kill -INT "$hotmon_pid" && wait "$hotmon_pid"
	start_hotmon --redirect --ports "$port,9009"
	until_true 10 grep -q 'the gateway (process' hotmon.log
	curl -sSf "http://127.0.0.1:9009/bkt/a" -o one
	curl -sSf "$url/bkt/a" -o one
	until_true 10 is_in_table "2 $url/bkt/a" '"\(.reads) \(.url)"'
	[ "$(counter requests_self)" -eq 2 ]
}

@test "what is read through the gateway is counted and hot, as read by the client's program" {
	in_lab -n 1 lab_counted
}

# --- with the cache ---

start_cache() {
	: >hotmon.log
	ffs-cache --serve --json --origin "$url" >cache.log 2>cache.err &
	gateway_pid=$!
	pids+=("$gateway_pid")
	until_true 20 grep -q 'the gateway (process' hotmon.log || { cat cache.err >&2; return 1; }
}

answers() {
	jq -r 'select(.op == "GetObject") | .status' log | paste -sd' '
}

reads() {
	/usr/bin/python3 -c 'import sys, urllib.request; sys.stdout.buffer.write(urllib.request.urlopen(sys.argv[1]).read())' \
		"$url/bkt/a" | cmp - object
}

lab_cache() {
	start_stores
	kill "$node_pid" && wait "$node_pid"
	start_node --anonymous --log "$PWD/log" --listen "127.0.0.1:$port"
	unset AWS_ENDPOINT_URL
	start_hotmon --redirect
	start_cache
	reads
	reads
	# Hot: ffs-cache fills it by its own GET, which is neither redirected nor counted.
	until_true 10 grep -q '"bytes":1000' cache.log
	[ "$(answers)" = "200 200 200" ]
	reads
	reads
	until_true 10 [ "$(counter redirected)" -eq 4 ]
	[ "$(answers)" = "200 200 200 304 304" ]
	until_true 10 is_in_table "2 python3 $url/bkt/a" '"\(.reads) \(.comm) \(.url)"'
	[ "$(counter requests_self)" -gt 0 ]
	# Without it the store answers, and with it again the cache.
	gone "$gateway_pid"
	reads
	[ "$(answers)" = "200 200 200 304 304 200" ]
	start_cache
	reads
	[ "$(answers)" = "200 200 200 304 304 200 304" ]
	# What another machine writes is read at once.
	head -c 2000 /dev/urandom >object
	ffs_direct() { curl -sS --interface lo -T object "$url/bkt/a"; }
	ffs_direct
	reads
}

@test "a program that knows nothing of it reads from the cache what is hot" {
	in_lab -n 1 lab_cache
}

lab_cache_killed() {
	local clients=()
	start_stores
	start_hotmon --redirect
	start_cache
	"$programs/connects" 127.0.0.1 "$port" /bkt/a >became1 &
	clients+=("$!")
	"$programs/connects" 127.0.0.1 "$port" >became2 &
	clients+=("$!")
	for i in $(seq 10); do
		curl -sSf "$url/bkt/a" | cmp - object
		[ "$i" -eq 5 ] && kill "$gateway_pid" || kill -KILL "$gateway_pid"
		wait "$gateway_pid" || true
		curl -sSf "$url/bkt/a" | cmp - object
		start_cache
	done
	kill "${clients[@]}"
	wait "${clients[@]}"
	for i in 1 2; do
		[[ $(cat "became$i") == *" 0 refused 0 other" ]] || { cat became? >&2; return 1; }
		[ "$(cut -d' ' -f1 "became$i")" -gt 100 ]
	done
	counts redirected
	counts gate_away
}

@test "ffs-cache --serve that is killed or ends has nobody refused" {
	lab_seconds=180 in_lab -n 1 lab_cache_killed
}

lab_cache_full() {
	start_stores
	start_hotmon --redirect
	ulimit -n 90
	start_cache
	ulimit -n 1000 2>/dev/null || true
	# More that keep their connections than it has room for.
	/usr/bin/python3 - "$port" <<-'END' >full 2>&1 &
		import socket, sys, time
		def ask(s):
		    s.sendall(b"GET /bkt/a HTTP/1.1\r\nHost: x\r\n\r\n")
		    assert s.recv(100).startswith(b"HTTP/1.1 200"), "no answer"
		all = []
		for i in range(40):
		    all.append(socket.create_connection(("127.0.0.1", int(sys.argv[1])), 10))
		    ask(all[-1])
		print("all", flush=True)
	END
	pids+=("$!")
	wait "$!" || { cat full >&2; return 1; }
	grep -qx all full
	counts gate_away
	# They have gone.
	until_true 10 redirects
}
redirects() {
	local n
	n=$(counter redirected)
	curl -sSf "$url/bkt/a" | cmp - object
	[ "$(counter redirected)" -gt "$n" ]
}

@test "where the gateway has no room for more, they go to the store" {
	in_lab -n 1 lab_cache_full
}

# --- what is said ---

lab_said() {
	start_stores
	start_hotmon
	local first=$hotmon_pid
	state=off start_gateway
	curl -sSf "$url/bkt/a" | cmp - object
	# Without --redirect it is only told who came by himself.
	direct
	env --default-signal ffs-hotmon --redirect >hot2 2>log2 &
	pids+=("$!")
	until_true 10 grep -q 'nothing is redirected: they were loaded without --redirect' log2
	kill -INT "$!" && wait "$!"
	kill -INT "$first" && wait "$first"
	run -0 ffs-hotmon --pin --cgroup "$FFS_LAB_CGROUP"
	run -1 --separate-stderr ffs-hotmon --pin --redirect
	[[ $stderr == "ffs-hotmon: cannot redirect: the programs are pinned already, without --redirect"* ]]
	run -0 ffs-hotmon --unpin
	echo "c https://127.0.0.1:9443" >"$HOME/.config/ffs/nodes"
	start_hotmon --redirect
	grep -q 'nothing is redirected: no configured endpoint' hotmon.log
	kill -INT "$hotmon_pid" && wait "$hotmon_pid"
	usage_error ffs-hotmon --uid all
	usage_error ffs-hotmon --exclude-comm x
	usage_error ffs-hotmon --redirect --uid no-such-user
	usage_error ffs-hotmon --redirect --uid ""
	usage_error ffs-hotmon --redirect --exclude-comm a,,b
	usage_error ffs-hotmon --once --redirect
}

@test "it says why nothing is redirected" {
	in_lab -n 1 lab_said
}
