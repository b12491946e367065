# The gateway's ways between clients and origins, whatever they do; tests/gateorigin is the origin.
load helper.bash

# origin: sets origin and origin_pid; ./log is what it saw.
origin() {
	need_cmd /usr/bin/python3
	: >origin.url
	"$BATS_TEST_DIRNAME/gateorigin" log "$@" >origin.url 2>origin.err 3>&- &
	origin_pid=$!
	pids+=("$!")
	until_true 20 test -s origin.url || { cat origin.err >&2; return 1; }
	origin=$(cat origin.url)
}

# gate [OPTION...]: a gateway before $origin; sets gate and gate_pid.
gate() {
	: >gate.url
	ffs-cache --serve --origin "$origin" "$@" 127.0.0.1:0 >gate.url 2>gate.log 3>&- &
	gate_pid=$!
	pids+=("$gate_pid")
	until_true 20 test -s gate.url || { cat gate.log >&2; return 1; }
	gate=$(cat gate.url)
	host=${gate#http://}
}

# send TEXT [ARG...]: printf's TEXT to the gateway as it is; its answers are $output.
send() {
	# shellcheck disable=SC2059
	printf -- "$1" "$host" >sent
	shift
	run -0 "$BATS_TEST_DIRNAME/gateclient" "$gate" "$@" <sent
}

# refused STATUS TEXT: the request is answered by the gateway with STATUS, and nobody else saw it.
refused() {
	send "$2"
	[[ $output == "HTTP/1.1 $1 "*"Connection: close"*"<Error><Code>"* ]] || { echo "$2: $output" >&2; return 1; }
	[ "$(grep -c HTTP log)" -eq 0 ] || { echo "passed: $2" >&2; return 1; }
}

alive() {
	run -0 curl -sS -m 20 "$gate/after"
	[[ $output == "GET /after HTTP/1.1"* ]]
}

@test "heads and bodies pass as they came, but for the fields of a connection" {
	origin
	gate
	send 'PUT /b/k%%20%%ff?x=%%2F&y HTTP/1.1\r\nhOsT: %s\r\nX-Odd:  a  b \r\nAccept-Encoding: identity\r\nConnection: X-Drop, close\r\nX-Drop: 1\r\nTE: trailers\r\nProxy-Connection: x\r\nContent-Length: 5\r\n\r\nhello'
	[[ $output == *$'PUT /b/k%20%ff?x=%2F&y HTTP/1.1\r\nhOsT: '"$host"$'\r\nX-Odd:  a  b \r\nAccept-Encoding: identity\r\nContent-Length: 5\r\n\r\nhello' ]]
	send 'GET /hop HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n'
	[[ $output == $'HTTP/1.1 200 OK\r\nX-End: 2\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok' ]]
	# Fields that others rest on cannot be taken away.
	send 'GET /x HTTP/1.1\r\nHost: %s\r\nx-amz-date: 1\r\nConnection: close, host, x-amz-date, authorization\r\nAuthorization: y\r\n\r\n'
	[[ $output == *"Host: $host"*"x-amz-date: 1"*"Authorization: y"* ]]
}

@test "chunks, their extensions and trailers pass as they came, both ways" {
	origin
	gate
	body='5;chunk-signature=abc\r\nhello\r\n0005\r\nworld\r\n0\r\nx-amz-checksum-crc32c: sOO8/Q==\r\nx-amz-trailer-signature: 1\r\n\r\n'
	for how in "" -p; do
		send "PUT /echo HTTP/1.1\\r\\nHost: %s\\r\\nTransfer-Encoding: chunked\\r\\nTrailer: x\\r\\nConnection: close\\r\\n\\r\\n$body" $how
		# shellcheck disable=SC2059
		[[ $output == *"$(printf -- "Transfer-Encoding: chunked\r\nTrailer: x\r\n\r\n$body")"* ]]
	done
	send 'GET /trailers HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n'
	[[ $output == *$'Connection: close\r\n\r\n5;ext=1\r\nhello\r\n0\r\nX-Sum: abc\r\n\r' ]]
}

@test "100-continue and other interim answers pass, and the body waits for them" {
	origin
	gate
	run -0 --separate-stderr curl -sSv -m 20 -T - -H 'Expect: 100-continue' -H 'Content-Length: 5' -H 'Transfer-Encoding:' "$gate/expect" <<<hell
	[[ $output == *"Expect: 100-continue"*hell* ]]
	[[ $stderr == *"102 Processing"*"X-One: 1"*"100 Continue"*"200 OK"* ]]
	# An answer instead of 100: the connection ends, the body is not waited for.
	send 'PUT /early HTTP/1.1\r\nHost: %s\r\nExpect: 100-continue\r\nContent-Length: 1000000\r\n\r\n'
	[[ $output == $'HTTP/1.1 403 Forbidden\r\nContent-Length: 6\r\nConnection: close\r\n\r\ndenied' ]]
}

@test "an answer that comes before the body is there reaches the client" {
	origin
	gate
	head -c 8000000 /dev/zero >large
	run -0 curl -sS -m 30 -w ' %{http_code}' -H Expect: -T large "$gate/early"
	[ "$output" = "denied 403" ]
	alive
}

@test "answers without a body, and to the end of the connection" {
	origin
	gate
	send 'HEAD /x HTTP/1.1\r\nHost: %s\r\n\r\nGET /304 HTTP/1.1\r\nHost: h\r\n\r\nGET /204 HTTP/1.1\r\nHost: h\r\n\r\nGET /no-length HTTP/1.1\r\nHost: h\r\n\r\n' 
	[[ $output == *"Content-Length: 12345"*"304 Not"*"Content-Length: 500"*"204 No"*$'Connection: close\r\n\r\nto the end' ]]
	send 'GET /x HTTP/1.0\r\n\r\n'
	[[ $output == *"Connection: close"*"GET /x HTTP/1.0"* ]]
	send 'GET /x HTTP/1.0\r\nConnection: keep-alive\r\n\r\nGET /y HTTP/1.0\r\n\r\n'
	[[ $output == *"Connection: keep-alive"*"GET /x HTTP/1.0"*"Connection: close"*"GET /y"* ]]
}

@test "what could be read in two ways is refused, and the origin does not see it" {
	origin
	gate
	g='GET / HTTP/1.1\r\nHost: h\r\n'
	p='POST / HTTP/1.1\r\nHost: h\r\n'
	refused 400 "${p}Content-Length: 5\\r\\nContent-Length: 5\\r\\n\\r\\nhello"
	refused 400 "${p}Content-Length: 5\\r\\nContent-Length: 6\\r\\n\\r\\nhello"
	refused 400 "${p}Content-Length: 5, 5\\r\\n\\r\\nhello"
	refused 400 "${p}Content-Length: +5\\r\\n\\r\\nhello"
	refused 400 "${p}Content-Length: 0x5\\r\\n\\r\\nhello"
	refused 400 "${p}Content-Length: 18446744073709551616\\r\\n\\r\\n"
	refused 400 "${p}Content-Length:\\r\\n\\r\\n"
	refused 400 "${p}Content-Length: 5\\r\\nTransfer-Encoding: chunked\\r\\n\\r\\n0\\r\\n\\r\\n"
	refused 400 "${p}Transfer-Encoding: chunked\\r\\nTransfer-Encoding: chunked\\r\\n\\r\\n0\\r\\n\\r\\n"
	refused 501 "${p}Transfer-Encoding: gzip, chunked\\r\\n\\r\\n0\\r\\n\\r\\n"
	refused 501 "${p}Transfer-Encoding: identity\\r\\n\\r\\n"
	refused 501 "${p}Transfer-Encoding: xchunked\\r\\n\\r\\n0\\r\\n\\r\\n"
	refused 400 'POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n'
	refused 400 'GET / HTTP/1.1\nHost: h\n\n'
	refused 400 'GET / HTTP/1.1\r\nHost: h\nX: 1\r\n\r\n'
	refused 400 "${g}X: a\\rb\\r\\n\\r\\n"
	refused 400 "${g}X: a\\000b\\r\\n\\r\\n"
	refused 400 "${g}X: 1\\r\\n folded\\r\\n\\r\\n"
	refused 400 "${g}X : 1\\r\\n\\r\\n"
	refused 400 "${g}: 1\\r\\n\\r\\n"
	refused 400 "${g}X\\r\\n\\r\\n"
	refused 400 "${g}Host: h\\r\\n\\r\\n"
	refused 400 'GET / HTTP/1.1\r\n\r\n'
	refused 400 'GET / HTTP/1.1\r\nHost: a,b\r\n\r\n'
	refused 400 'GET http://other/ HTTP/1.1\r\nHost: h\r\n\r\n'
	refused 400 'GET x HTTP/1.1\r\nHost: h\r\n\r\n'
	refused 400 'GET  / HTTP/1.1\r\nHost: h\r\n\r\n'
	refused 400 'GET /a b HTTP/1.1\r\nHost: h\r\n\r\n'
	refused 400 'GET /\r\nHost: h\r\n\r\n'
	refused 400 '\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n'
	refused 400 'G(T / HTTP/1.1\r\nHost: h\r\n\r\n'
	refused 505 'GET / HTTP/2.0\r\nHost: h\r\n\r\n'
	refused 400 'PRI * HTTP/2\r\n\r\nSM\r\n\r\n'
	refused 501 'CONNECT h:443 HTTP/1.1\r\nHost: h:443\r\n\r\n'
	refused 431 "${g}X: $(printf '%040000d' 0)\\r\\n\\r\\n"
	refused 431 "$g$(printf 'X: 1\\r\\n%.0s' {1..200})\\r\\n"
	alive
}

@test "a chunked body that cannot be read ends the request at both sides" {
	origin
	gate
	p='PUT /hang HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n'
	for chunk in 'x\r\n' '5\nhello' '5 \r\nhello' '-5\r\n' '5\r\nhelloX\r\n' '00000000000000001\r\n' \
		'ffffffffffffffff\r\n' '0x5\r\n' '5;a\001\r\n' '0\r\n x: 1\r\n\r\n' '0\r\nx\ny\r\n\r\n' "5;$(printf '%05000d' 0)\\r\\n"; do
		send "$p$chunk"
		[[ $output == "HTTP/1.1 400 "* ]] || { echo "$chunk: $output" >&2; false; }
	done
	until_true 20 bash -c '[ "$(grep -c HTTP log)" -le "$(grep -c ended log)" ]'
	alive
}

@test "answers that are no HTTP are told as that, and never passed on" {
	origin
	gate
	for path in two-lengths both no-http bare-lf huge-head bad-chunk switch dies; do
		run -0 curl -sS -m 20 -w ' %{http_code}' "$gate/$path"
		[[ $output == *"<Code>BadGateway</Code>"*" 502" ]] || { echo "$path: $output" >&2; false; }
	done
	run -18 curl -sS -m 20 "$gate/short"
	alive
}

@test "requests behind one another are answered in order" {
	origin
	gate
	send 'GET /slow?1 HTTP/1.1\r\nHost: h\r\n\r\nPUT /2 HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabcGET /3 HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\nGET /4 HTTP/1.1\r\nHost: h\r\n\r\n'
	[[ $output == *"GET /slow?1 "*"PUT /2 "*abcHTTP*"GET /3 "* ]]
	[[ $output != *"GET /4"* ]]
	# And a byte at a time.
	send 'GET /1 HTTP/1.1\r\nHost: h\r\n\r\nPUT /2 HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\nConnection: close\r\n\r\nabc' -p
	[[ $output == *"GET /1 "*"PUT /2 "*abc ]]
}

@test "connections to an origin are used again, and replaced where they have died" {
	origin
	gate
	run -0 curl -sS -m 20 "$gate/count" -: -sS "$gate/count" -: -sS --no-keepalive "$gate/count"
	[ "$output" = 111 ]
	run -0 curl -sS -m 20 "$gate/gone-later"
	run -0 curl -sS -m 20 "$gate/after"
	# One that dies under the request itself: once more, on a fresh one.
	run -0 curl -sS -m 20 "$gate/x"
	before=$(grep -c 'GET /dies' log || :)
	run -0 curl -sS -m 20 -w '%{http_code}' "$gate/dies"
	[[ $output == *502 ]]
	[ "$(($(grep -c 'GET /dies' log) - before))" -eq 2 ]
	# But not what has a body, or is not to be repeated.
	run -0 curl -sS -m 20 -w '%{http_code}' -X POST "$gate/dies"
	[ "$(grep -c 'POST /dies' log)" -eq 1 ]
	run -0 curl -sS -m 20 -w '%{http_code}' -X PUT -d x "$gate/dies"
	[ "$(grep -c 'PUT /dies' log)" -eq 1 ]
}

@test "a client that goes away ends its request at the origin" {
	origin
	gate
	curl -sS -m 60 "$gate/hang" >/dev/null 2>&1 3>&- &
	pids+=("$!")
	until_true 20 grep -q waits log
	kill -KILL "$!"
	until_true 20 grep -q ended log
	alive
}

@test "a slow client holds the origin back, and no memory" {
	origin
	gate
	mkfifo pipe
	curl -sS -m 100 "$gate/big?500000000" >pipe 2>/dev/null 3>&- &
	pids+=("$!")
	exec 7<pipe
	until_true 20 grep -q sent log
	# It stops when the sockets' buffers are full.
	stopped() { local a b; a=$(tail -1 log); sleep 0.3; b=$(tail -1 log); [ "$a" = "$b" ]; }
	until_true 30 stopped
	[[ $(tail -1 log) != *500000000 ]]
	[ "$(awk '/VmHWM/ { print $2 }' "/proc/$gate_pid/status")" -lt 60000 ]
	[ "$(head -c 500000000 <&7 | wc -c)" -eq 500000000 ]
	exec 7<&-
}

@test "who is too slow is given up: heads, idle connections, bodies, answers, origins" {
	origin
	export FFS_GATE_TIMES=head=300ms,idle=600ms,stall=500ms,answer=400ms
	gate
	send 'GET / HTTP/1.1\r\nHo'
	[[ $output == "HTTP/1.1 408 "* ]]
	send ''
	[ -z "$output" ]
	send 'PUT /x HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhel'
	[[ $output == "HTTP/1.1 408 "*RequestTimeout* ]]
	run -0 curl -sS -m 20 -w ' %{http_code}' "$gate/hang"
	[[ $output == *"<Code>GatewayTimeout</Code>"*" 504" ]]
	until_true 20 grep -q ended log
	alive
}

@test "an origin that is away is told as that, and its return is seen" {
	origin
	gate
	kill "$origin_pid"
	wait "$origin_pid" || true
	run -0 curl -sS -m 20 -w ' %{http_code}' "$gate/x"
	[[ $output == *"<Code>ServiceUnavailable</Code>"*" 503" ]]
	run -0 curl -sSI -m 20 "$gate/x"
	[[ $output == "HTTP/1.1 503 "* ]]
	grep -q "cannot reach the store" gate.log
	origin "${origin##*:}"
	alive
}

@test "told to end, it ends requests that are under way" {
	origin
	gate
	curl -sS -m 20 "$gate/slow" >out 2>&1 3>&- &
	one=$!
	pids+=("$one")
	until_true 20 grep -q slow log
	kill -TERM "$gate_pid"
	wait "$one"
	grep -q "GET /slow" out
	wait "$gate_pid"
}

@test "10,000 connections, and the memory of 1,000 that wait" {
	[ "$(ulimit -Hn)" -ge 16000 ] || need "descriptors"
	ulimit -n 16000
	origin
	gate
	before=$(awk '/VmRSS/ { print $2 }' "/proc/$gate_pid/status")
	cat >many.py <<-'END'
		import socket, sys
		port, n = int(sys.argv[1]), int(sys.argv[2])
		ask = b"GET /x HTTP/1.1\r\nHost: h\r\n\r\n"
		all = []
		for i in range(n):
		    c = socket.create_connection(("127.0.0.1", port), 20)
		    all.append(c)
		for c in all[:1000]:
		    c.sendall(ask)
		    assert c.recv(65536).startswith(b"HTTP/1.1 200")
		print("there", flush=True)
		sys.stdin.read()
		for c in all[-10:]:
		    c.sendall(ask)
		    assert c.recv(65536).startswith(b"HTTP/1.1 200")
	END
	mkfifo hold
	/usr/bin/python3 many.py "${gate##*:}" 10000 <hold >many.out 3>&- &
	many=$!
	pids+=("$many")
	exec 8>hold
	until_true 60 test -s many.out
	alive
	# A kilobyte a connection.
	after=$(awk '/VmRSS/ { print $2 }' "/proc/$gate_pid/status")
	[ "${FFS_TEST_BUILD-}" ] || [ $((after - before)) -lt 16000 ]
	exec 8>&-
	wait "$many"
}

@test "where there is no room for more connections they wait" {
	origin
	ulimit -n 90
	gate
	ulimit -n 1000 2>/dev/null || true
	for i in {1..20}; do
		curl -sS -m 60 "$gate/slow?$i" >"out$i" 3>&- &
		pids+=("$!")
	done
	wait "${pids[@]:2}"
	for i in {1..20}; do grep -q "GET /slow?$i " "out$i"; done
}

@test "an https origin is verified" {
	need_cmd openssl
	need_cmd /usr/bin/python3
	openssl req -x509 -newkey rsa:2048 -nodes -keyout key.pem -out cert.pem -days 2 -subj /CN=localhost \
		-addext subjectAltName=DNS:localhost 2>/dev/null
	mkdir www
	head -c 3000000 /dev/urandom >www/file
	cat >https.py <<-'END'
		import functools, http.server, ssl
		h = functools.partial(http.server.SimpleHTTPRequestHandler, directory="www")
		http.server.SimpleHTTPRequestHandler.protocol_version = "HTTP/1.1"
		s = http.server.ThreadingHTTPServer(("127.0.0.1", 0), h)
		c = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
		c.load_cert_chain("cert.pem", "key.pem")
		s.socket = c.wrap_socket(s.socket, server_side=True)
		print(s.server_port, flush=True)
		s.serve_forever()
	END
	/usr/bin/python3 https.py >port 2>/dev/null 3>&- &
	pids+=("$!")
	until_true 20 test -s port
	origin=https://localhost:$(cat port)
	AWS_CA_BUNDLE=$PWD/cert.pem gate
	run -0 curl -sS -m 20 -o got "$gate/file" -: -sS -o got2 "$gate/file"
	cmp got www/file
	cmp got2 www/file
	# Not one that nobody vouches for, and not another's.
	gate
	run -0 curl -sS -m 20 -w ' %{http_code}' "$gate/file"
	[[ $output == *BadGateway*" 502" ]]
	origin=https://127.0.0.1:$(cat port)
	AWS_CA_BUNDLE=$PWD/cert.pem gate
	run -0 curl -sS -m 20 -w ' %{http_code}' "$gate/file"
	[[ $output == *BadGateway*" 502" ]]
}

@test "beyond loopback it wants credentials, and signatures of each request" {
	origin
	run -4 --separate-stderr ffs-cache --serve --origin "$origin" 0.0.0.0:0
	[[ $stderr == *"must be signed"* ]]
	export AWS_ACCESS_KEY_ID=AKIDEXAMPLE AWS_SECRET_ACCESS_KEY=wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY
	gate
	alive
	: >gate.url
	ffs-cache --serve --origin "$origin" 0.0.0.0:0 >gate.url 2>gate.log 3>&- &
	pids+=("$!")
	until_true 20 test -s gate.url
	gate=$(cat gate.url)
	run -0 curl -sS -m 20 -w ' %{http_code}' "$gate/b/k"
	[[ $output == *"<Code>AccessDenied</Code>"*" 403" ]]
	sign=(--aws-sigv4 aws:amz:us-east-1:s3 -H "x-amz-content-sha256: e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
	run -0 curl -sS -m 20 "${sign[@]}" -u "$AWS_ACCESS_KEY_ID:$AWS_SECRET_ACCESS_KEY" "$gate/b/k"
	[[ $output == "GET /b/k HTTP/1.1"* ]]
	run -0 curl -sS -m 20 -w ' %{http_code}' "${sign[@]}" -u "$AWS_ACCESS_KEY_ID:wrong" "$gate/b/k"
	[[ $output == *"<Code>SignatureDoesNotMatch</Code>"*" 403" ]]
	run -0 curl -sS -m 20 -w ' %{http_code}' "${sign[@]}" -u "other:wrong" "$gate/b/k"
	[[ $output == *"<Code>InvalidAccessKeyId</Code>"*" 403" ]]
	[ "$(grep -c '/b/k' log)" -eq 1 ]
}

@test "a cache that is removed is made anew" {
	start_node
	own_keys
	seq 5000 | ffs-split -n d | ffs-load -q
	origin=$url
	gate --admit all
	read_all() { ffs-get --cache=bypass --endpoint "$gate" d >out && ffs-cache --list 2>/dev/null | grep -q s3:; }
	until_true 20 read_all
	rm -r "$HOME/.cache/ffs"
	until_true 20 read_all
	[ "$(wc -l <out)" -eq 5000 ]
}

# A store with two addresses, of which the first takes no connections and refuses none: what it can
# hold is held.
lab_addresses() {
	start_node --listen 127.0.0.2:0 --anonymous
	port=${url##*:}
	silent 127.0.0.1 "$port"
	printf '127.0.0.1 localhost\n127.0.0.1 store.example\n127.0.0.2 store.example\n' >hosts
	mount --bind hosts /etc/hosts
	origin=http://store.example:$port
	# Long before the first one is given up, and where that is at once.
	for connect in 600s 100ms; do
		FFS_GATE_TIMES=connect=$connect gate
		run -0 curl -sSf -m 60 "$gate/"
		[[ $output == *"<ListAllMyBucketsResult"* ]]
		# From then on it is the first.
		run -0 curl -sSf -m 60 "$gate/" -: -sSf "$gate/"
		kill "$gate_pid"
		wait "$gate_pid"
	done
}

# silent ADDRESS PORT: nobody is refused there, and nobody gets in, but after ./go: then it answers "hi".
silent() {
	/usr/bin/python3 - "$@" >"full.$1" 2>&1 <<-'END' &
		import os, select, socket, sys, time
		s = socket.socket()
		s.bind((sys.argv[1], int(sys.argv[2])))
		s.listen(0)
		held = []
		while True:
		    c = socket.socket()
		    c.setblocking(False)
		    c.connect_ex(s.getsockname())
		    held.append(c)
		    if not select.select([], [c], [], 1)[1]:
		        break
		print("full", flush=True)
		while not os.path.exists("go"):
		    time.sleep(0.05)
		for c in held:
		    c.close()
		while True:
		    c = s.accept()[0]
		    if c.recv(1 << 16):
		        c.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi")
		    held.append(c)
	END
	pids+=("$!")
	until_true 30 grep -q full "full.$1"
}

# Both are silent, and the one that was tried first answers first, late.
lab_late() {
	port=9900
	silent 127.0.0.1 $port
	mkdir other
	cd other # where ./go never is
	silent 127.0.0.2 $port
	cd ..
	printf '127.0.0.1 localhost\n127.0.0.1 store.example\n127.0.0.2 store.example\n' >hosts
	mount --bind hosts /etc/hosts
	origin=http://store.example:$port
	FFS_GATE_TIMES=connect=600s gate
	curl -sSf -m 100 "$gate/" >late 3>&- &
	curl=$!
	pids+=("$curl")
	# Beside the one of each that filled it up.
	both_tried() {
		ss -Htn state syn-sent "dport = :$port" >tried
		[ "$(grep -c "127.0.0.1:$port" tried)" -eq 2 ] && [ "$(grep -c "127.0.0.2:$port" tried)" -eq 2 ]
	}
	until_true 30 both_tried
	touch go
	wait "$curl"
	[ "$(cat late)" = hi ]
}

@test "a store's address that is silent is not its only one" {
	in_lab -n 1 lab_addresses
}

@test "a store's address that was silent for a while may still be the first to answer" {
	in_lab -n 1 lab_late
}

@test "where no other store is named the origin is the one to fill from" {
	origin
	AWS_ENDPOINT_URL=http://localhost:9009 gate -v
	[[ $(head -n 1 gate.log) == "node local: endpoint $origin "* ]]
	gate -v --endpoint http://127.0.0.1:1
	[[ $(head -n 1 gate.log) == "node local: endpoint http://127.0.0.1:1 "* ]]
	echo 'a http://127.0.0.2:1' >nodes
	FFS_NODES=$PWD/nodes gate -v
	[[ $(head -n 1 gate.log) == "node a: endpoint http://127.0.0.2:1 "* ]]
}

@test "what cannot be served is said in a line" {
	usage_error ffs-cache --serve 127.0.0.1:1 127.0.0.1:2
	usage_error ffs-cache --origin http://127.0.0.1:1
	usage_error ffs-cache --serve --list
	usage_error ffs-cache --serve --max-age x
	origin
	gate
	run -1 --separate-stderr ffs-cache --serve --origin "$origin" "${gate#http://}"
	[[ $stderr == *"cannot listen on '${gate#http://}': Address already in use"* ]]
	run -1 --separate-stderr ffs-cache --serve --origin ftp://x 127.0.0.1:0
	[[ $stderr == *"bad origin 'ftp://x'"* ]]
	# Requests that go round and round.
	for own in localhost 127.0.0.1; do
		port=$(free_port)
		run -1 --separate-stderr timeout 20 ffs-cache --serve --origin "http://$own:$port" "127.0.0.1:$port"
		[[ $stderr == *"the origin is this gateway itself: http://$own:$port" ]]
	done
	run -1 --separate-stderr ffs-cache --serve --origin "$origin" nonsense
	[[ $stderr == *"want ADDR:PORT"* ]]
	run -1 --separate-stderr ffs-cache --serve --origin http://127.0.0.1:9009
	[[ $stderr == *"the origin is this gateway itself"* ]]
}
