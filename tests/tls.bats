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
	need_cmd nginx
	start_node --anonymous
	curl -sS -X PUT "$url/bkt" -o /dev/null
	head -c 1000000 /dev/urandom >a
	head -c 1000 /dev/urandom >b
	curl -sS -T a "$url/bkt/a"
	curl -sS -T b "$url/bkt/b"
	openssl req -x509 -newkey rsa:2048 -nodes -keyout key.pem -out cert.pem -days 2 -subj /CN=localhost \
		-addext "subjectAltName=DNS:localhost,DNS:bkt.localhost,IP:127.0.0.1,IP:::1,IP:10.77.0.1" 2>/dev/null
	mkdir -p tmp
	cat >nginx.conf <<-END
		daemon off;
		pid $PWD/nginx.pid;
		error_log $PWD/nginx.log;
		worker_processes 1;
		user root;
		events {}
		http {
			access_log off;
			client_body_temp_path $PWD/tmp/1;
			proxy_temp_path $PWD/tmp/2;
			fastcgi_temp_path $PWD/tmp/3;
			uwsgi_temp_path $PWD/tmp/4;
			scgi_temp_path $PWD/tmp/5;
			client_max_body_size 0;
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
		}
	END
	nginx -p "$PWD" -c "$PWD/nginx.conf" 3>&- &
	pids+=("$!")
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

lab_reads() {
	begin
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
	[ -z "$(bpftool link show 2>/dev/null | grep -A1 ffs_tls)" ]
	get "$store/bkt/a"
}

@test "reads of curl over TLS are counted as others are: whole, in ranges, kept alive" {
	in_lab -n 1 lab_reads
}
