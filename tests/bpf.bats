# The kernel programs, fed with frames of our own (BPF_PROG_TEST_RUN): see tests/bpf/feed.h.  Each
# program of tests/bpf exits 0 and prints nothing, or says what is wrong.
load helper.bash

# programs that load nothing but what they feed, and attach nothing.
bpf() {
	need_root
	run -0 timeout 120 "${FFS_TEST_BUILD:-$BATS_TEST_DIRNAME/../build}/tests/bpf/$1"
	[ -z "$output" ]
}

@test "a read is counted, the second is hot, a write says so and arms it again" {
	bpf basic
}

@test "a request line names its object, however it is written, and nothing else does" {
	bpf names
}

@test "an answer counts for what it is: whole, in parts, cut short, or nothing" {
	bpf answers
}

@test "however TCP cuts a conversation and repeats itself, the counts are the same" {
	bpf segments
}

@test "hot once at the threshold, again after a while or a write; what is full is counted" {
	bpf hot
}

@test "the programs of connections load with every option" {
	bpf loads
}

live() {
	"${FFS_TEST_BUILD:-$BATS_TEST_DIRNAME/../build}/tests/bpf/live"
}

@test "on real sockets: local, remote, the cache's own, who, tuned, without a link layer" {
	run -0 in_lab live
	[ -z "$output" ]
}
