# shellcheck shell=bash disable=SC2154,SC2034,SC2317
# Sections of scripts/bench, which sources this: the gateway, and programs that know nothing of it.
# The store is MinIO; each gateway has a cache directory of its own.

gates=()
# start_gate NAME OPTION...: sets gate_url and gate_pid.
start_gate() {
	local name=$1 i
	shift
	: >"$fast/$name.url"
	AWS_ACCESS_KEY_ID=benchkey AWS_SECRET_ACCESS_KEY=benchsecret ffs-cache --serve 127.0.0.1:0 --origin "$minio_url" \
		--dir "$disk/$name" "$@" >"$fast/$name.url" 2>"$fast/$name.log" &
	gate_pid=$!
	gates+=("$gate_pid")
	for ((i = 0; i < 200; i++)); do
		[ ! -s "$fast/$name.url" ] || break
		sleep 0.02
	done
	gate_url=$(head -n 1 "$fast/$name.url")
	[ -n "$gate_url" ]
}
stop_gates() {
	local p
	for p in ${gates[@]+"${gates[@]}"}; do stop "$p"; done
	gates=()
}

# presigned MODE URL KEY...: of MinIO's objects, as they are asked for there.
presigned() {
	local mode=$1 url=$2
	shift 2
	AWS_ACCESS_KEY_ID=benchkey AWS_SECRET_ACCESS_KEY=benchsecret AWS_REGION=us-east-1 AWS_ENDPOINT_URL=$url \
		"$python" "$client" "$mode" ffs "$@"
}

gate_ready() {
	[ -n "$minio_bin" ] && [ -n "$nginx_bin" ] && [ -n "$python" ] && return
	missing "$1" "needs MinIO, nginx and boto3 (scripts/deps bench, scripts/peers)"
	return 1
}

# --- hits: curl's library on one connection ---

bench_gatehit() {
	gate_ready "the gateway's hits" || return
	local name
	for name in aged asked; do
		if [ $name = aged ]; then start_gate $name --max-age 1h; else start_gate $name; fi || return
		presigned presign "$gate_url" "${plain[@]}" >"$fast/$name.urls"
		as_minio ffs-cache -q --dir "$disk/$name" "${plain[@]/#/s3://ffs/}" || return
		# The first read of each compares the file with its checksum.
		"$tools/keepalive" <"$fast/$name.urls" >/dev/null || return
	done
	presigned presign "$minio_url" "${plain[@]}" >"$fast/minio.urls"
	printf "$nginx_url/%s\n" "${plain[@]}" >"$fast/nginx.urls"
	one() { t=$("$tools/keepalive" <"$fast/$1.urls" | percentile 50) && [ -n "$t" ]; }
	run_hit_aged() { one aged; }
	run_hit_nginx() { one nginx; }
	run_hit_asked() { one asked; }
	run_hit_minio() { one minio; }
	alternate hit_aged hit_nginx hit_asked hit_minio
	stop_gates
	row "gateway, a hit with --max-age, p50 : nginx, same file" "${med[hit_aged]-}" "${med[hit_nginx]-}" ms cost 1.1
	row "gateway, a hit by 304, p50 : MinIO's own GET" "${med[hit_asked]-}" "${med[hit_minio]-}" ms cost 1.0
}

# --- what is not cached: beside nginx's proxy_pass ---

start_proxy() {
	local port
	port=$(free_port)
	proxy_url=http://127.0.0.1:$port
	mkdir -p "$fast/proxy"
	sed -e "s|$fast/nginx/|$fast/proxy/|g" -e '/^\t*server {/d' -e '$d' "$fast/nginx/conf" >"$fast/proxy/conf"
	cat >>"$fast/proxy/conf" <<-END
			upstream minio { server ${minio_url#http://}; keepalive 64; }
			proxy_max_temp_file_size 0;
			proxy_buffer_size 64k;
			proxy_buffers 8 64k;
			server {
				listen 127.0.0.1:$port;
				location / {
					proxy_pass http://minio;
					proxy_http_version 1.1;
					proxy_set_header Connection "";
					proxy_set_header Host \$http_host;
				}
			}
		}
	END
	"$nginx_bin" -p "$fast/proxy" -c "$fast/proxy/conf" -e "$fast/proxy/error.log" >"$fast/proxy/out" 2>&1 &
	gates+=("$!")
	answers "$proxy_url/"
}

bench_gatepass() {
	gate_ready "the gateway's passing on" || return
	[ -n "$wrk" ] || {
		missing "the gateway's passing on" "no wrk"
		return
	}
	start_gate passing && start_proxy || return
	wrk_rate() { t=$("$wrk" -t2 -c16 -d2s "$1" | awk '/^Requests\/sec:/ { r = $2 } /Non-2xx/ { bad = 1 }
		END { if (r && !bad) print r }') && [ -n "$t" ]; }
	local object what target of_gate of_proxy
	for object in "${plain[0]}" 4k; do
		of_gate=$(presigned passing "$gate_url" "$object") of_proxy=$(presigned passing "$proxy_url" "$object")
		run_pass_gate() { wrk_rate "$of_gate"; }
		run_pass_proxy() { wrk_rate "$of_proxy"; }
		alternate pass_gate pass_proxy
		if [ "$object" = 4k ]; then what="4 KB" target=0.5; else what="1.2 MB" target=0.8; fi
		row "gateway, not cached, $what GET/s : nginx proxy_pass" "${med[pass_gate]-}" "${med[pass_proxy]-}" 1/s rate $target
	done
	[ -z "$(ffs-cache --list --dir "$disk/passing")" ] || missing "the lines above" "it was in the cache"
	stop_gates
}

# --- memory: 1,000 clients at once, all of them in the middle of an answer ---

bench_gatemem() {
	gate_ready "the gateway's memory" || return
	[ -n "$wrk" ] || {
		missing "the gateway's memory" "no wrk"
		return
	}
	start_gate many || return
	"$wrk" -t2 -c1000 -d4s --timeout 30s "$(presigned passing "$gate_url" "${plain[0]}")" >"$fast/many"
	limit "gateway, peak memory, 1,000 connections" \
		"$(awk '/^VmHWM/ { printf "%.1f", $2 * 1024 / 1e6 }' "/proc/$gate_pid/status")" 64
	stop_gates
}

# --- boto3, unchanged, over the link ---

bench_unchanged() {
	if [ "$(id -u)" -ne 0 ] || [ -z "$python" ]; then
		missing "boto3, unchanged, pass 3" "needs root and boto3"
		return
	fi
	TMPDIR=$disk FFS_DEMO_BUILD=$build FFS_PEERS=$peers scripts/demo-unchanged --rows "$rows" --program boto3 --over link \
		</dev/null >"$fast/unchanged" 2>"$fast/unchanged.err" || {
		tail -n 10 "$fast/unchanged.err" >&2
		missing "boto3, unchanged, pass 3" "it failed"
		return
	}
	local off on aged
	read -r off on aged < <(awk '/^redirect/ { print $(NF - 2) * 1000 }' "$fast/unchanged" | tr '\n' ' ')
	row "boto3, unchanged, 170 Mbit/s, pass 3, redirect on : off" "$on" "$off" ms faster 10
	row "boto3, unchanged, 170 Mbit/s, pass 3, --max-age : off" "$aged" "$off" ms faster 20
}
