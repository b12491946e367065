# ffs-hotmon --tls: requests of programs that use OpenSSL.  All of it is in the lab, with a copy of the
# system's library there, so that nothing is attached to what others execute.
load helper.bash

# own_openssl: the lab's mounts are its own.
own_openssl() {
	local lib
	lib=$(ldconfig -p | awk '/libssl\.so\.3 .*x86-64|libssl\.so\.3 .*AArch64/ { print $NF; exit }')
	[ -n "$lib" ] || lib=$(ldd "$(command -v curl)" | awk '/libssl/ { print $3; exit }')
	lib=$(realpath "$lib")
	cp "$lib" libssl.own
	mount --bind libssl.own "$lib"
}

# start_https: a store of ours with objects bkt/a of 1,000,000 bytes and bkt/b of 1,000, behind nginx,
# which speaks TLS on 9443, and HTTP/2, too, on 9444.
start_https() {
	start_node --anonymous
	curl -sS -X PUT "$url/bkt" -o /dev/null
	head -c 1000000 /dev/urandom >a
	head -c 1000 /dev/urandom >b
	curl -sS -T a "$url/bkt/a"
	curl -sS -T b "$url/bkt/b"
	openssl req -x509 -newkey rsa:2048 -nodes -keyout key.pem -out cert.pem -days 2 -subj /CN=localhost \
		-addext "subjectAltName=DNS:localhost,DNS:bkt.localhost,IP:127.0.0.1,IP:::1,IP:10.77.0.1" 2>/dev/null
	start_nginx <<-END
		access_log off;
		ssl_certificate $PWD/cert.pem;
		ssl_certificate_key $PWD/key.pem;
		server {
			listen 9443 ssl;
			listen [::]:9443 ssl;
			location / { proxy_pass $url; proxy_http_version 1.1; proxy_set_header Host \$http_host; }
		}
		server {
			listen 9444 ssl http2;
			location / { proxy_pass $url; }
		}
	END
	export CURL_CA_BUNDLE=$PWD/cert.pem SSL_CERT_FILE=$PWD/cert.pem
	unset AWS_ENDPOINT_URL
	store=https://127.0.0.1:9443
	until_true 20 curl -s "$store/bkt/b" -o /dev/null || { cat nginx.log >&2; return 1; }
}

# start_hotmon [OPTION...]: ./hot is its output, ./hotmon.log what it says.
start_hotmon() {
	: >hot
	: >hotmon.log
	env --default-signal ffs-hotmon -v --json --cgroup "$FFS_LAB_CGROUP" "$@" >hot 2>hotmon.log 3>&- &
	hotmon_pid=$!
	pids+=("$hotmon_pid")
	until_true 20 grep -q 'attached to [a-z0-9, ]*$' hotmon.log || { cat hotmon.log >&2; return 1; }
}

stop_hotmon() {
	status=0
	kill -s "${1:-INT}" "$hotmon_pid"
	wait "$hotmon_pid" || status=$?
}

begin() {
	own_openssl
	start_https
	start_hotmon --tls=9443,9444 "$@"
}

table() {
	ffs-hotmon --once --json | jq -s -r "$1"
}
is_in_table() {
	[ "$(table "$2")" = "$1" ]
}
# becomes VALUE JQ-FILTER: the table does, soon.
becomes() {
	until_true 10 is_in_table "$@" || { table . >&2; cat hotmon.log >&2; return 1; }
}

# reads KEY: of an object.
reads() {
	echo "([.[] | select(.type == \"object\" and .key == \"$1\") | .reads] | add) // 0"
}
counter() {
	echo ".[-1].counters.$1"
}

# get [OPTION...] URL...: curl, HTTP/1.1, and the bytes nowhere.
get() {
	curl -sS --http1.1 "$@" -o /dev/null
}

# code: the first byte of a function, as processes execute it: another where it is watched.
code() {
	/usr/bin/python3 -c 'import ctypes
f = ctypes.cast(ctypes.CDLL("libssl.so.3").SSL_do_handshake, ctypes.c_void_p)
print(ctypes.string_at(f.value, 1).hex())'
}

lab_reads() {
	bare=$(code)
	begin
	[ "$(code)" != "$bare" ]
	grep -q "watching port 9443,9444 with TLS (--tls), 9000 (default)" hotmon.log
	grep -q "attached to the OpenSSL of '.*libssl" hotmon.log
	get "$store/bkt/a"
	becomes 1 "$(reads a)"
	becomes "https://127.0.0.1:9443/bkt/a true false 1000000 1000000 curl 0" '.[0] |
		[.url, .tls, .hot, .bytes, .size, .comm, .uid] | join(" ")'
	becomes true '.[0] | .lat_min_us > 0 and .ttfb_mean_us > 0 and .lat_mean_us >= .ttfb_mean_us'
	# Kept alive; the second read makes it hot.
	curl -sS --http1.1 "$store/bkt/a" "$store/bkt/b" "$store/bkt/a" -o 1 -o 2 -o 3
	cmp 3 a
	becomes 3 "$(reads a)"
	becomes 1 "$(reads b)"
	until_true 10 grep -q '"url":"https://127.0.0.1:9443/bkt/a".*"tls":true' hot
	becomes 2 "$(counter tls_conns)"
	# By name, and IPv6.
	get "https://[::1]:9443/bkt/b"
	becomes "https://[::1]:9443/bkt/b" '[.[] | select(.type == "object" and (.url | test("::1")))][0].url'
	# What was not found is no read, nor is HEAD; ranges add up.
	get "$store/bkt/none" -I "$store/bkt/b"
	becomes 1 "$(counter responses_other)"
	becomes 1 "([.[] | select(.type == \"object\" and .key == \"b\" and (.url | test(\"127\"))) | .reads] | add)"
	get -r 0-499 "$store/bkt/b"
	get -r 500-999 "$store/bkt/b"
	becomes 2 "([.[] | select(.type == \"object\" and .key == \"b\" and (.url | test(\"127\"))) | .reads] | add)"
	becomes 0 '[.[-1].counters | .tls_lost, .tls_unbound, .bad_requests, .bad_responses, .midstream] | add'
	stop_hotmon
	[ "$status" -eq 0 ]
	# Detached: nothing is left.
	[ "$(code)" = "$bare" ]
	get "$store/bkt/a"
}

@test "reads of curl over TLS are counted as others are: whole, in ranges, kept alive" {
	in_lab -n 1 lab_reads
}

# --- other clients ---

# Reads in another process of python, one way after another.
clients() {
	cat >clients.py <<-'END'
		import asyncio, http.client, socket, ssl, sys, threading

		ctx = ssl.create_default_context(cafile="cert.pem")

		def plain(key, times):
		    c = http.client.HTTPSConnection("127.0.0.1", 9443, context=ctx)
		    for _ in range(times):
		        c.request("GET", "/bkt/" + key)
		        assert c.getresponse().read() == open(key, "rb").read()
		    c.close()

		def threads():
		    # Two at a time, on connections of their own.
		    ts = [threading.Thread(target=plain, args=(k, 20)) for k in ("a", "b")]
		    [t.start() for t in ts]
		    [t.join() for t in ts]

		async def stream(key, times):
		    # Memory BIOs: no socket inside OpenSSL's calls.
		    r, w = await asyncio.open_connection("127.0.0.1", 9443, ssl=ctx)
		    for _ in range(times):
		        w.write(b"GET /bkt/%s HTTP/1.1\r\nHost: localhost:9443\r\n\r\n" % key.encode())
		        head = await r.readuntil(b"\r\n\r\n")
		        n = [int(h.split(b":")[1]) for h in head.split(b"\r\n") if h.lower().startswith(b"content-length")]
		        assert await r.readexactly(n[0]) == open(key, "rb").read()
		    w.close()

		async def streams():
		    # Beside a connection elsewhere, in one thread.
		    await asyncio.gather(stream("a", 5), stream("b", 5), stream("b", 5))

		{"plain": lambda: plain("b", 3), "threads": threads, "streams": lambda: asyncio.run(streams())}[sys.argv[1]]()
	END
	/usr/bin/python3 clients.py "$1"
}

lab_python() {
	begin
	clients plain
	becomes 3 "$(reads b)"
	becomes python3 '.[0].comm'
	clients threads
	becomes 23 "$(reads b)"
	becomes 20 "$(reads a)"
	becomes 20000000 '[.[] | select(.key == "a")][0].bytes'
	becomes 1000 '[.[] | select(.key == "b")][0].size'
	clients streams
	becomes 33 "$(reads b)"
	becomes 25 "$(reads a)"
	becomes 0 '[.[-1].counters | .tls_lost, .tls_unbound, .bad_requests, .bad_responses, .pipelined, .midstream, .aborted] | add'
	# All of them with the address that was connected to.
	becomes "https://127.0.0.1:9443" '[.[] | select(.type == "object") | .endpoint] | unique | join(" ")'
}

@test "reads of python over TLS are counted: kept alive, by two threads, through memory BIOs" {
	need_cmd /usr/bin/python3
	in_lab -n 1 lab_python
}

lab_boto3() {
	begin
	export AWS_CA_BUNDLE=$PWD/cert.pem AWS_REGION=us-east-1 AWS_ACCESS_KEY_ID=any AWS_SECRET_ACCESS_KEY=any
	cat >boto.py <<-'END'
		import boto3, sys
		s3 = boto3.client("s3", endpoint_url="https://localhost:9443")
		for _ in range(3):
		    assert s3.get_object(Bucket="bkt", Key="a")["Body"].read() == open("a", "rb").read()
		s3.put_object(Bucket="bkt", Key="x/y z", Body=b"0123456789" * 1000)
		s3.get_object(Bucket="bkt", Key="x/y z", Range="bytes=10-19")["Body"].read()
		s3.head_object(Bucket="bkt", Key="a")
		s3.list_objects_v2(Bucket="bkt")
		s3.delete_object(Bucket="bkt", Key="x/y z")
		s3.delete_objects(Bucket="bkt", Delete={"Objects": [{"Key": "none"}]})
	END
	"${peer%/*}/python3" boto.py
	becomes 3 "$(reads a)"
	# Each write twice: asked for, and done.
	becomes 6 "$(counter invalidate)"
	becomes "10 0" '[.[] | select(.key == "x/y z")][0] | [.bytes, .reads] | join(" ")'
	becomes 0 '[.[-1].counters | .bad_requests, .bad_responses, .pipelined, .split_heads, .orphans] | add'
}

@test "reads and writes of boto3 over TLS are told apart" {
	peer aws
	export peer
	in_lab -n 1 lab_boto3
}

lab_http2() {
	begin
	curl -sS --http2 https://127.0.0.1:9444/bkt/b https://127.0.0.1:9444/bkt/b -o one -o two
	becomes 1 "$(counter http2)"
	becomes 0 "$(counter requests)"
	get https://127.0.0.1:9444/bkt/b
	becomes 1 "$(reads b)"
}

@test "HTTP/2 over TLS is counted as not understood" {
	in_lab -n 1 lab_http2
}

lab_elsewhere() {
	own_openssl
	start_https
	start_hotmon --tls=9999
	get "$store/bkt/b"
	stop_hotmon
	start_hotmon --tls=9443
	get "$store/bkt/b"
	becomes 1 "$(reads b)"
	becomes "1 1" '.[-1].counters | [.tls_conns, .requests] | join(" ")'
	# Another network namespace has other stores at the same addresses.
	"$BATS_TEST_DIRNAME/../scripts/lab" on h2 openssl s_server -quiet -WWW -accept 9443 -key key.pem -cert cert.pem &
	pids+=("$!")
	until_true 10 "$BATS_TEST_DIRNAME/../scripts/lab" on h2 curl -s --http1.1 https://127.0.0.1:9443/b -o other
	cmp b other
	get "$store/bkt/b"
	becomes 2 "$(reads b)"
	becomes 2 "$(counter requests)"
}

@test "other ports, and other network namespaces, are not looked at" {
	in_lab -n 2 lab_elsewhere
}

lab_chunked() {
	own_openssl
	start_https
	cat >server.py <<-'END'
		import http.server, ssl
		class H(http.server.BaseHTTPRequestHandler):
		    protocol_version = "HTTP/1.1"
		    def do_GET(self):
		        self.send_response(200)
		        self.send_header("Transfer-Encoding", "chunked")
		        self.end_headers()
		        for _ in range(10):
		            self.wfile.write(b"1000\r\n" + bytes(4096) + b"\r\n")
		        self.wfile.write(b"0\r\n\r\n")
		s = http.server.ThreadingHTTPServer(("127.0.0.1", 9445), H)
		c = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
		c.load_cert_chain("cert.pem", "key.pem")
		s.socket = c.wrap_socket(s.socket, server_side=True)
		s.serve_forever()
	END
	/usr/bin/python3 server.py 2>/dev/null &
	pids+=("$!")
	until_true 10 get https://127.0.0.1:9445/x/y 2>/dev/null
	start_hotmon --tls=9445
	# An answer without a length ends with the next request, or the connection.
	curl -sS --http1.1 https://127.0.0.1:9445/bkt/c https://127.0.0.1:9445/bkt/c -o one -o two
	becomes 2 "$(reads c)"
	becomes true '.[0].bytes == 2 * (10 * (4096 + 8) + 5)'
	becomes 2 "$(counter no_length)"
}

@test "answers without a length end with the next request, or the connection" {
	need_cmd /usr/bin/python3
	in_lab -n 1 lab_chunked
}

# --- which programs ---

# A program of its own that reads over TLS when told to, by the library that it is linked with.
reader() {
	cat >reader.c <<-'END'
		#include <openssl/ssl.h>
		#include <arpa/inet.h>
		#include <stdio.h>
		#include <stdlib.h>
		#include <string.h>
		#include <unistd.h>
		/* reader PATH TIMES [STOP]: a GET for each line of stdin; STOP: ends after so many bytes. */
		int
		main(int argc, char **argv)
		{
			struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons(9443),
				.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
			int fd = socket(AF_INET, SOCK_STREAM, 0), n;
			SSL *s = SSL_new(SSL_CTX_new(TLS_client_method()));
			long stop = argc > 2 ? atol(argv[2]) : 0, got;
			char b[4096], line[10];

			if (connect(fd, (void *)&a, sizeof(a)) || !SSL_set_fd(s, fd) || SSL_connect(s) != 1)
				return 1;
			puts("connected");
			fflush(stdout);
			while (fgets(line, sizeof(line), stdin)) {
				n = snprintf(b, sizeof(b), "GET %s HTTP/1.1\r\nHost: x\r\n\r\n", argv[1]);
				if (SSL_write(s, b, n) != n)
					return 1;
				for (got = 0; got < 1000 && (n = SSL_read(s, b, sizeof(b))) > 0; got += n)
					if (stop && got > stop)
						_exit(0);
				printf("%ld\n", got);
				fflush(stdout);
			}
			SSL_free(s);
			return 0;
		}
	END
}

lab_static() {
	own_openssl
	start_https
	reader
	cc -o reader reader.c -Wl,-Bstatic -lssl -lcrypto -Wl,-Bdynamic -ldl -lpthread
	cp reader stripped
	strip stripped
	mkfifo in in2
	./reader /bkt/b <in >out &
	pids+=("$!")
	before=$!
	exec 7>in
	until_true 10 grep -q connected out
	start_hotmon --tls=9443
	# It was there before: its connection is seen from the middle, from the second request on.
	until_true 10 grep -q "attached to the OpenSSL of '$PWD/reader' (process $before)" hotmon.log
	for n in 2 3 4; do
		echo go >&7
		until_true 10 has_lines "$n" out
	done
	becomes 2 "$(reads b)"
	becomes reader '.[0].comm'
	exec 7>&-
	# From now on it is seen from the beginning.
	./reader /bkt/b <<<go
	becomes 3 "$(reads b)"
	# One without symbols is not seen, which is said.
	./stripped /bkt/b <in2 >out2 &
	pids+=("$!")
	exec 7>in2
	until_true 10 grep -q connected out2
	until_true 15 grep -q "the TLS of 'stripped' (process ${pids[-1]}) cannot be seen: it is an OpenSSL without symbols" hotmon.log
	echo go >&7
	until_true 10 has_lines 2 out2
	exec 7>&-
	stop_hotmon
	becomes_not_said reader
}
has_lines() {
	[ "$(wc -l <"$2")" -eq "$1" ]
}
becomes_not_said() {
	run -1 grep "TLS of '$1'" hotmon.log
}

@test "OpenSSL linked into a program is seen where it has symbols, and told where not" {
	need_cmd cc
	in_lab -n 1 lab_static
}

lab_later() {
	begin
	reader
	mkdir lib
	cp libssl.own lib/libssl-bundled.so.3
	# A process that runs already, and loads a copy of its own later.
	mkfifo in
	cat >late.py <<-'END'
		import ctypes, sys
		sys.stdin.readline()
		lib = ctypes.CDLL("./lib/libssl-bundled.so.3")
		lib.TLS_client_method.restype = lib.SSL_CTX_new.restype = lib.SSL_new.restype = ctypes.c_void_p
		print("loaded", flush=True)
		for line in sys.stdin:
		    import socket
		    s = socket.create_connection(("127.0.0.1", 9443))
		    ssl = ctypes.c_void_p(lib.SSL_new(ctypes.c_void_p(lib.SSL_CTX_new(ctypes.c_void_p(lib.TLS_client_method())))))
		    assert lib.SSL_set_fd(ssl, s.fileno()) == 1 and lib.SSL_connect(ssl) == 1
		    head = b"GET /bkt/b HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
		    assert lib.SSL_write(ssl, head, len(head)) == len(head)
		    b = ctypes.create_string_buffer(4096)
		    while lib.SSL_read(ssl, b, 4096) > 0:
		        pass
		    lib.SSL_free(ssl)
		    print("read", flush=True)
	END
	/usr/bin/python3 late.py <in >out &
	pids+=("$!")
	exec 7>in
	echo load >&7
	until_true 10 grep -q loaded out
	until_true 20 grep -q "attached to the OpenSSL of '.*/lib/libssl-bundled.so.3' (process ${pids[-1]})" hotmon.log
	echo read >&7
	until_true 10 grep -q read out
	becomes 1 "$(reads b)"
	exec 7>&-
}

@test "a copy of OpenSSL that a running program loads is found" {
	need_cmd /usr/bin/python3
	in_lab -n 1 lab_later
}

lab_cut() {
	begin
	reader
	cc -o reader reader.c -lssl -lcrypto
	# Ends in the middle of an answer, without a word to OpenSSL; then others, at its addresses perhaps.
	for i in 1 2 3; do ./reader /bkt/a 100 <<<go >/dev/null; done
	becomes 3 "$(counter requests)"
	becomes 0 "$(reads a)"
	# One that says goodbye.
	timeout 60 curl -sS --http1.1 --limit-rate 10k "$store/bkt/a" -o /dev/null &
	slow=$!
	until_true 10 is_in_table 4 "$(counter requests)"
	kill "$slow"
	./reader /bkt/b <<<go
	becomes 1 "$(reads b)"
	# ffs-hotmon ends while they read.
	(for i in {1..50}; do get "$store/bkt/b"; done) &
	readers=$!
	becomes true '.[-1].counters.requests > 7'
	stop_hotmon
	[ "$status" -eq 0 ]
	wait "$readers"
	# And is killed: nothing stays, and the next one begins anew.
	bare=$(code)
	start_hotmon --tls=9443
	[ "$(code)" != "$bare" ]
	kill -KILL "$hotmon_pid"
	wait "$hotmon_pid" || true
	get "$store/bkt/b"
	[ "$(code)" = "$bare" ]
	start_hotmon --tls=9443
	get "$store/bkt/b"
	becomes 1 "$(reads b)"
}

@test "processes that end in the middle leave nothing behind, ffs-hotmon among them" {
	need_cmd cc
	in_lab -n 1 lab_cut
}

# --- with the cache ---

lab_cache() {
	own_openssl
	start_https
	export AWS_ACCESS_KEY_ID=any AWS_SECRET_ACCESS_KEY=any
	mkdir -p "$HOME/.config/ffs"
	echo "s $store" >"$HOME/.config/ffs/nodes"
	export AWS_CA_BUNDLE=$PWD/cert.pem FFS_CACHE=$PWD/cache
	start_hotmon --tls
	grep -q "watching port 9443 with TLS ($HOME/.config/ffs/nodes:1), 9000 (default)" hotmon.log
	env --default-signal ffs-cache -v --json >fills 2>cache.log 3>&- &
	pids+=("$!")
	until_true 20 test -d cache
	get "$store/bkt/a"
	get "$store/bkt/a"
	until_true 20 grep -q '"type":"fill","url":"https://127.0.0.1:9443/bkt/a","bytes":1000000' fills || { cat cache.log fills hotmon.log >&2; false; }
	# Its own read over TLS is none.
	becomes true '.[-1].counters.requests_self > 0'
	becomes 2 "$(reads a)"
	becomes true '.[0].configured'
	# What is written is dropped.
	head -c 1000000 /dev/urandom >new
	curl -sS --http1.1 -T new "$store/bkt/a"
	until_true 20 grep -q '"type":"drop".*bkt/a' fills || { cat cache.log fills >&2; false; }
}

@test "what becomes hot over TLS is kept by ffs-cache, whose own reads do not count, and dropped when written" {
	in_lab -n 1 lab_cache
}

# get_as NAME KEY: from the gateway, by a program of that name.
get_as() {
	cp "$(command -v curl)" "$1"
	"./$1" -sSf "$(cat served)/bkt/$2" | cmp - "$2"
}

lab_gateway() {
	own_openssl
	start_https
	export AWS_CA_BUNDLE=$PWD/cert.pem FFS_CACHE=$PWD/cache
	start_hotmon --tls=9443
	env --default-signal ffs-cache --serve 127.0.0.1:0 --origin "$store" -v >served 2>cache.log 3>&- &
	pids+=("$!")
	until_true 20 grep -q '^http' served || { cat cache.log >&2; return 1; }
	# One connection to the store, for one after the other.
	get_as reader-one b
	becomes "1 reader-one 0" '.[0] | [.reads, .comm, .uid] | join(" ")'
	get_as reader-two a
	becomes "1 reader-two 0" '.[] | select(.key == "a") | [.reads, .comm, .uid] | join(" ")'
	becomes 0 '.[-1].counters.requests_self'
}

@test "what the gateway reads over TLS is read by its clients" {
	in_lab -n 1 lab_gateway
}

is_kept() {
	[[ $(ffs-cache --list --json) == *"\"key\":\"$1\""* ]]
}

lab_gateway_blind() {
	own_openssl
	start_https
	export AWS_CA_BUNDLE=$PWD/cert.pem FFS_CACHE=$PWD/cache
	start_hotmon
	env --default-signal ffs-cache --serve 127.0.0.1:0 --origin "$store" -v >served 2>cache.log 3>&- &
	pids+=("$!")
	until_true 20 grep -q '^http' served || { cat cache.log >&2; return 1; }
	until_true 20 grep -q '^ffs-cache: following' cache.log
	get_as reader b
	get_as reader b
	until_true 20 is_kept b
	get_as reader b
	run -0 ffs-cache --stat
	[[ $output == *"2 origin, 1 revalidated"* ]]
}

@test "what the gateway reads over TLS and nobody sees is kept at its second read" {
	in_lab -n 1 lab_gateway_blind
}

lab_names() {
	own_openssl
	start_https
	mkdir -p "$HOME/.config/ffs"
	echo "s https://localhost:9443" >"$HOME/.config/ffs/nodes"
	start_hotmon --tls
	# By another address than those that the name has, and by one that it has.
	curl -sS --http1.1 --connect-to localhost:9443:10.77.0.1:9443 https://localhost:9443/bkt/b -o /dev/null
	get https://localhost:9443/bkt/b
	becomes "2 https://localhost:9443/bkt/b true" '.[0] | [.reads, .url, .configured] | join(" ")'
	# The bucket before the name (which this store takes for another key).
	get --resolve bkt.localhost:9443:10.77.0.1 https://bkt.localhost:9443/bkt/b
	becomes "1 https://localhost:9443/bkt/bkt/b bkt bkt/b" '.[1] | [.reads, .url, .bucket, .key] | join(" ")'
	# Another name is another store.
	get https://10.77.0.1:9443/bkt/b
	becomes "https://10.77.0.1:9443/bkt/b false" '[.[] | select(.type == "object" and .configured == false)][0] | [.url, .configured] | join(" ")'
}

@test "a store with TLS is known by its name, whatever its addresses are" {
	in_lab -n 1 lab_names
}

# --- refusals ---

lab_refused() {
	own_openssl
	run -2 --separate-stderr ffs-hotmon --tls --pin
	[[ $stderr == "ffs-hotmon: --tls does not go with --pin: "* ]]
	usage_error ffs-hotmon --tls=0
	usage_error ffs-hotmon --tls=
	usage_error ffs-hotmon --once --tls
	mkdir empty
	mount --bind empty /sys/kernel/btf
	run -7 --separate-stderr ffs-hotmon --tls --cgroup "$FFS_LAB_CGROUP"
	[[ $stderr == *"--tls needs a kernel that describes its types (CONFIG_DEBUG_INFO_BTF)" ]]
	umount /sys/kernel/btf
	mount --bind empty /sys/bus/event_source/devices
	run -7 --separate-stderr ffs-hotmon --tls --cgroup "$FFS_LAB_CGROUP"
	[[ $stderr == *"--tls needs a kernel with uprobes (CONFIG_UPROBE_EVENTS)" ]]
	# Without it nothing of that matters.
	start_hotmon
	stop_hotmon
}

@test "--tls is refused, with the reason, where it cannot be" {
	in_lab -n 1 lab_refused
}
