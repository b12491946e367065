# ffs-hotmon --xdp: a machine that hosts a store sees what arrives.  All of it in the lab, where the
# store is on h1 and who reads is on h2.
load helper.bash

on_h2() {
	"$BATS_TEST_DIRNAME/../scripts/lab" on h2 "$@"
}

# start_store [ADDRESS]: a store with the dataset lobster of five chunks, which h2 can reach.
start_store() {
	start_node --listen "${1:-10.77.0.1}:0"
	ports=${url##*:}
	printf '%s,2,3\n' 1 2 3 4 5 | ffs-split -n lobster --rows 1 2>split.log | ffs-load 2>load.log
	ffs-get --list --presign lobster >urls
	[ "$(wc -l <urls)" -eq 5 ]
}

# start_xdp [OPTION...]: it watches eth0.
start_xdp() {
	ffs-hotmon --xdp -i eth0 -v --cgroup "$FFS_LAB_CGROUP" --ports "$ports" "$@" >hot 2>hotmon.log &
	hotmon_pid=$!
	pids+=("$hotmon_pid")
	until_true 10 ffs-hotmon --once >once 2>&1 || { cat hotmon.log >&2; return 1; }
}

counter() {
	ffs-hotmon --once --json | jq "select(.counters).counters.$1"
}

# reads KEY: of the object.
reads() {
	ffs-hotmon --once --json | jq "select(.key == \"$1\").reads"
}

# Answers come behind requests, so what was answered has been seen.
is() {
	[ "$($1 "$2")" = "$3" ] || { ffs-hotmon --once --json >&2; return 1; }
}

no_losses() {
	ffs-hotmon --once >/dev/null 2>losses
	run -1 grep -v '^ffs-hotmon: nothing' losses
}

# mode_of INTERFACE: 1 the driver's XDP, 2 generic, 0 none.
mode_of() {
	ip -j link show dev "$1" | jq -r '.[0].xdp.mode // 0'
}

lab_reads() {
	start_store
	start_xdp
	grep -q "attached to interface 'eth0' by native XDP" hotmon.log
	[ "$(mode_of eth0)" = 1 ]
	run -1 grep -q "'lo'" hotmon.log
	on_h2 xargs -n1 curl -sSf -o out <urls
	on_h2 curl -sSf -o out "$(sed -n 2p urls)"
	is reads lobster/1/00000.csv 1
	is reads lobster/1/00001.csv 2
	is counter reads 6
	is counter requests_remote 6
	is counter requests 0
	# Nothing is known of answers, and nothing is hot: that is only what this host reads.
	ffs-hotmon --once --json | jq -es 'map(select(.key)) | all(.bytes == 0 and .lat_p50_us == 0 and (.hot | not))'
	is counter hot 0
	run -1 grep lobster hot
	# Over one connection, by ffs-get, which reads the manifest, too; in ranges, each of which counts.
	on_h2 ffs-get --cache=bypass lobster >out
	[ "$(wc -l <out)" -eq 5 ]
	is reads lobster/1/00001.csv 3
	is counter requests_remote 12
	on_h2 curl -sSf -r 0-1 -o out "$(sed -n 2p urls)"
	on_h2 curl -sSf -r 2-3 -o out "$(sed -n 2p urls)"
	is reads lobster/1/00001.csv 5
	# HEAD is a request, and no read.
	on_h2 curl -sS -I -o out "$(sed -n 2p urls)"
	is reads lobster/1/00001.csv 5
	is counter requests_remote 15
	is counter midstream 0
	no_losses
	# What this host itself reads does not arrive at eth0.
	ffs-get --cache=bypass lobster >out
	is counter requests_remote 15
	kill "$hotmon_pid"
	wait "$hotmon_pid" || true
	[ "$(mode_of eth0)" = 0 ]
	on_h2 curl -sSf -o out "$(head -1 urls)"
}

@test "a storage node counts what other hosts ask for, by object" {
	need_root
	need_cmd jq
	in_lab -n 2 lab_reads
}

lab_writes() {
	start_store
	start_xdp
	before=$(counter reads)
	# Bodies of many segments, full of what looks like requests, are no requests.
	yes "GET /ffs/x HTTP/1.1" | head -c 3000000 >body
	on_h2 ffs-split -n looks --rows 20000 body 2>split.log | on_h2 ffs-load >load.log 2>&1
	is counter reads "$before"
	[ "$(counter invalidate)" -ge 8 ]
	run -0 on_h2 ffs-get --cache=bypass looks
	[ "$(wc -c <<<"$output")" -eq 3000000 ] || [ "${#output}" -ge 2999990 ]
	[ "$(counter reads)" -ge 8 ]
	is counter pipelined 0
	is counter bad_requests 0
	no_losses
}

@test "bodies of writes are passed over, and what follows them is counted" {
	need_root
	need_cmd jq
	in_lab -n 2 lab_writes
}

# split_get ADDRESS: a request in segments of its own.
split_get() {
	on_h2 bash -c 'exec 3<>/dev/tcp/'"$1/$ports"'
		printf "GET /ffs/lob" >&3
		printf "ster/1/00000.csv HT" >&3
		printf "TP/1.1\r\nHost: x\r\n" >&3
		printf "Connection: close\r\n\r\n" >&3
		cat <&3 >answer'
}

lab_segments() {
	start_store
	start_xdp
	split_get 10.77.0.1
	# Without a signature it was refused; it was asked for all the same.
	grep -q '^HTTP/1.1 403' answer
	is reads lobster/1/00000.csv 1
	# A body, and a request behind it, each in parts, over one connection.
	on_h2 bash -c 'exec 3<>/dev/tcp/10.77.0.1/'"$ports"'
		printf "PUT /ffs/w HTTP/1.1\r\nHost: x\r\nContent-Le" >&3
		printf "ngth: 24\r\n\r\nGET /ffs/no" >&3
		printf " HTTP/1.1\r\n\r\nGET /ffs/lobster/1/00001.csv HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n" >&3
		cat <&3 >answer'
	is reads lobster/1/00001.csv 1
	is counter reads 2
	is counter requests_remote 3
	no_losses
	# A head whose rest never comes.
	on_h2 bash -c 'exec 3<>/dev/tcp/10.77.0.1/'"$ports"'
		printf "GET /ffs/lobster/1/00002.csv" >&3'
	is counter reads 2
}

@test "a head in several segments is put together" {
	need_root
	need_cmd jq
	in_lab -n 2 lab_segments
}

lab_six() {
	start_store '[fd77::1]'
	ip link set eth0 mtu 9000
	start_xdp
	on_h2 curl -sSf -o out "$(head -1 urls)"
	split_get fd77::1
	is reads lobster/1/00000.csv 2
	ffs-hotmon --once --json | jq -es 'map(select(.key)) | all(.url | startswith("http://[fd77::1]:"))'
	no_losses
	# VLANs: a bridge and a veth carry the outer tag beside the frame, so the inner one is in it.
	for tags in "" 8100 8100,8100 88a8,8100 8100,8100,8100; do
		on_h2 /usr/bin/python3 - "$(cat /sys/class/net/eth0/address)" "$ports" "$tags" <<-'END'
			import socket, struct, sys
			to, port, tags = bytes.fromhex(sys.argv[1].replace(":", "")), int(sys.argv[2]), sys.argv[3]
			text = b"GET /ffs/tags-%d HTTP/1.1\r\nHost: x\r\n\r\n" % len(tags)
			tcp = struct.pack(">HHIIBBHHH", 1024 + len(tags), port, 7, 9, 5 << 4, 0x18, 1000, 0, 0) + text
			ip = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 20 + len(tcp), 1, 0x4000, 64, 6, 0,
			    bytes([10, 77, 0, 2]), bytes([10, 77, 0, 1]))
			total = sum(struct.unpack(">10H", ip)) # a bridge may look at it
			ip = ip[:10] + struct.pack(">H", 65535 - (total % 65535)) + ip[12:]
			vlan = b"".join(struct.pack(">HH", int(t, 16), 5) for t in tags.split(",") if t)
			s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
			s.bind(("eth0", 0))
			s.send(to + to[:5] + b"\x77" + vlan + b"\x08\x00" + ip + tcp + b"padding")
		END
	done
	for tags in 0 4 9 14; do
		until_true 10 is_read "tags-$tags" || { ffs-hotmon --once >&2; return 1; }
	done
}

is_read() {
	[ "$(reads "$1")" = 1 ]
}

@test "IPv6, VLANs and large frames are read" {
	need_root
	need_cmd jq
	need_cmd /usr/bin/python3
	in_lab -n 2 lab_six
}

lab_refused() {
	ports=9000
	run -7 --separate-stderr ffs-hotmon --xdp -i lo --cgroup "$FFS_LAB_CGROUP" --ports 9000
	[[ $stderr == *"cannot attach to interface 'lo': XDP on loopback would copy all that is sent; without --xdp it is watched"* ]]
	[ "$(mode_of lo)" = 0 ]
	# Others' program stays, natively or not.
	printf '#include <linux/bpf.h>\n__attribute__((section("xdp"), used)) int f(struct xdp_md *c) { return XDP_PASS; }\nchar l[] __attribute__((section("license"))) = "GPL";\n' >f.c
	clang -O2 -target bpf "-I/usr/include/$(gcc -print-multiarch)" -c f.c -o f.o
	for mode in xdpdrv xdpgeneric; do
		ip link set dev eth0 "$mode" obj f.o sec xdp
		id=$(ip -j link show dev eth0 | jq '.[0].xdp.prog.id')
		run -1 --separate-stderr ffs-hotmon --xdp -i eth0 --cgroup "$FFS_LAB_CGROUP" --ports 9000
		[[ $stderr == *"cannot attach to interface 'eth0': it has an XDP program of others, which stays"* ]]
		[ "$(ip -j link show dev eth0 | jq '.[0].xdp.prog.id')" = "$id" ]
		ip link set dev eth0 "$mode" off
	done
	# A device whose driver has no XDP: generic, and said.
	ip link add br0 type bridge
	ip link set br0 up
	ffs-hotmon --xdp -i br0 --cgroup "$FFS_LAB_CGROUP" --ports 9000 >hot 2>hotmon.log &
	pids+=("$!")
	until_true 10 ffs-hotmon --once >once 2>&1
	grep -q "interface 'br0' is watched by generic XDP, for its driver takes none: " hotmon.log
	[ "$(mode_of br0)" = 2 ]
}

@test "loopback, and another's program, are refused; without a driver's help it is generic" {
	need_root
	need_cmd jq
	in_lab -n 1 lab_refused
}

lab_pinned() {
	start_store
	ffs-hotmon --pin --xdp -i eth0 --cgroup "$FFS_LAB_CGROUP" --ports "$ports" 2>pin.log
	[ "$(mode_of eth0)" = 1 ]
	on_h2 curl -sSf -o out "$(head -1 urls)"
	is reads lobster/1/00000.csv 1
	ffs-hotmon --unpin
	[ "$(mode_of eth0)" = 0 ]
	# Killed, it leaves nothing behind at the interface.
	start_xdp
	kill -9 "$(pgrep -P "$hotmon_pid")" "$hotmon_pid" || true
	until_true 10 detached
}

detached() {
	[ "$(mode_of eth0)" = 0 ]
}

@test "--pin leaves it in place, --unpin takes it away, and so does a kill" {
	need_root
	need_cmd jq
	in_lab -n 2 lab_pinned
}

@test "what makes no sense with --xdp is a usage error" {
	usage_error ffs-hotmon --xdp
	usage_error ffs-hotmon --xdp -i eth0 --attach=tcx
	usage_error ffs-hotmon --xdp=x -i eth0
	usage_error ffs-hotmon --once --xdp -i eth0
}
