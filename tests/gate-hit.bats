# What the gateway answers from the cache: the store's own answer, for those who may have it, and never
# an old byte.
# Takes minutes.
load helper.bash

raw=$BATS_TEST_DIRNAME/s3raw
peers=$(realpath -m "${FFS_PEERS:-$BATS_TEST_DIRNAME/../build/peers}")
checksums='x-amz-checksum-mode: ENABLED'

# A store with the bucket bkt, its keys in the environment, and the gateway before it.
gated_node() {
	need_cmd /usr/bin/python3
	start_node
	own_keys
	"$raw" "$url" PUT /bkt >/dev/null
	start_gate
}

gated_minio() {
	need_cmd /usr/bin/python3
	start_minio || return 1
	url=$AWS_ENDPOINT_URL
	until_true 30 made_bucket || return 1
	start_gate
}

made_bucket() {
	[[ $("$raw" "$url" PUT /bkt) =~ ^(200|409)\  ]]
}

# put KEY TEXT [FIELD...]: at the store itself.
put() {
	local target=$1 text=$2 answer
	shift 2
	answer=$("$raw" -d "$text" "$url" PUT "/bkt/$target" "$@")
	[[ $answer == "200 "* ]] || { echo "$answer" >&2; return 1; }
}

# into_cache KEY...
into_cache() {
	ffs-cache -q "${@/#/s3://bkt/}"
}

hits() {
	ffs-cache --stat --json | sed -n 's/.*"hits":\([0-9]*\).*/\1/p'
}

# asked N ARG...: s3raw ARG... with the method and all; the gateway and the store say the same, and N of the
# gateway's answers (0 or 1) were hits.
asked() {
	local n=$1 before options=()
	shift
	while [[ $1 == -* ]]; do
		options+=("$1" "$2")
		shift 2
	done
	before=$(hits)
	"$raw" "${options[@]}" "$url" "$@" >direct
	"$raw" "${options[@]}" "$gate_url" "$@" >gated
	diff -u direct gated >&2 || { echo "differs: $*" >&2; return 1; }
	# Noted when the answer is out.
	until_true 10 noted $((before + n)) || { echo "not $n hits: $*" >&2; return 1; }
}

noted() {
	[ "$(hits)" -eq "$1" ]
}

etag_of() {
	"$raw" "$url" HEAD "/bkt/$1" | sed -n 's/^etag: //p'
}

answers() {
	local etag
	put k.csv 0123456789abcdef 'Content-Type: text/csv' 'x-amz-meta-who: me' 'Cache-Control: max-age=60'
	put other.csv x
	asked 0 GET /bkt/k.csv
	asked 0 GET /bkt/k.csv "$checksums"
	into_cache k.csv
	asked 1 GET /bkt/k.csv
	asked 1 GET /bkt/k.csv "$checksums"
	asked 1 GET '/bkt/k.csv?x-id=GetObject' "$checksums"
	asked 1 GET /bkt/%6b%2ecsv
	asked 1 -p 60 GET /bkt/k.csv
	asked 1 -p 60 GET /bkt/k.csv 'Range: bytes=3-5'
	asked 0 HEAD /bkt/k.csv
	asked 0 HEAD /bkt/k.csv "$checksums"
	asked 0 HEAD /bkt/k.csv 'Range: bytes=3-5'
	asked 0 GET /bkt/other.csv
	asked 0 GET /bkt/none.csv
	# ranges
	for range in 0-0 0-15 0-16 15-15 15- 0- -1 -16 -17 3-1000000; do
		asked 1 GET /bkt/k.csv "Range: bytes=$range"
		asked 1 GET /bkt/k.csv "Range: bytes=$range" "$checksums"
	done
	for range in 16- 16-17 5-4 -0 0-1,3-4 '0-1, 3-' - a-b 0 ''; do
		asked 0 GET /bkt/k.csv "Range: bytes=$range"
	done
	asked 0 GET /bkt/k.csv 'Range: items=0-1'
	# conditions of the client's own
	etag=$(etag_of k.csv)
	date=$("$raw" "$url" HEAD /bkt/k.csv | sed -n 's/^last-modified: //p')
	asked 1 GET /bkt/k.csv "If-Match: $etag"
	asked 1 GET /bkt/k.csv "If-Match: $etag" 'Range: bytes=3-5'
	asked 0 GET /bkt/k.csv "If-Match: \"other\""
	asked 0 GET /bkt/k.csv "If-None-Match: $etag"
	asked 0 GET /bkt/k.csv "If-None-Match: \"other\""
	asked 0 GET /bkt/k.csv "If-None-Match: *"
	asked 0 GET /bkt/k.csv "If-Match: $etag" "If-None-Match: $etag"
	asked 0 GET /bkt/k.csv "If-Modified-Since: $date"
	asked 0 GET /bkt/k.csv 'If-Modified-Since: Sun, 06 Nov 1994 08:49:37 GMT'
	asked 0 GET /bkt/k.csv 'If-Unmodified-Since: Sun, 06 Nov 1994 08:49:37 GMT'
	asked 0 HEAD /bkt/k.csv "If-None-Match: $etag"
	asked 0 HEAD /bkt/k.csv "If-Match: \"other\""
	asked 1 GET /bkt/k.csv 'Range: bytes=3-5' "If-Range: $etag"
	asked 0 GET /bkt/k.csv 'Range: bytes=3-5' 'If-Range: "other"'
	asked 0 GET /bkt/k.csv 'Range: bytes=3-5' "If-Range: $date"
	# what changes the answer
	asked 0 GET /bkt/k.csv 'Origin: http://example.com'
	asked 0 GET '/bkt/k.csv?response-content-type=text/plain'
	asked 0 GET '/bkt/k.csv?partNumber=1'
	asked 0 GET '/bkt/k.csv?versionId=none'
	asked 0 -k '' GET /bkt/k.csv
	asked 0 -k "$AWS_ACCESS_KEY_ID:wrong" GET /bkt/k.csv
	asked 0 -k "nobody:$AWS_SECRET_ACCESS_KEY" GET /bkt/k.csv
	# and it is still a hit
	asked 1 GET /bkt/k.csv
}

@test "a hit is what the node answers, byte for byte and field by field" {
	gated_node
	answers
}

@test "a hit is what MinIO answers, byte for byte and field by field" {
	gated_minio
	answers
}

odd_names() {
	local key
	for key in a%20b a%2Bb a+b %C3%A4/%E2%82%AC q%27%22%26%3C a%2525 tilde~ .hidden 'a:b@c=d;e,f' dir/ a%5Cb; do
		put "$key" "text of $key" || return 1
	done
	# By the names that ffs-get and ffs-cache have for them.
	into_cache 'a b' a+b 'ä/€' "q'\"&<" a%25 tilde~ .hidden 'a:b@c=d;e,f' 'a\b'
	for key in a%20b a%2Bb a%2bb %C3%A4/%e2%82%ac q%27%22%26%3C a%2525 tilde~ tilde%7E .hidden 'a:b@c=d;e,f' a%5Cb; do
		asked 1 GET "/bkt/$key" || return 1
	done
	asked 0 GET /bkt/dir/
}

@test "an object has one name, however it is written" {
	gated_node
	odd_names
}

@test "a bucket's name may be in the host's" {
	MINIO_DOMAIN=localhost gated_minio
	put k.csv 0123456789
	into_cache k.csv
	port=${url##*:}
	asked 1 -H "localhost:$port" GET /bkt/k.csv
	asked 1 -H "bkt.localhost:$port" GET /k.csv
	asked 1 -H "bkt.localhost:$port" GET /k.csv 'Range: bytes=2-3'
	asked 0 -H "other.localhost:$port" GET /k.csv
	asked 0 -H "bkt.elsewhere:$port" GET /k.csv
	"$raw" -H "bkt.localhost:$port" -d 9876543210 "$gate_url" PUT /k.csv >/dev/null
	asked 0 GET /bkt/k.csv
	[ "$(tail -n 1 gated)" = 9876543210 ]
}

# cold [FROM]: no page of the cache's files from there on is in memory.  (To try to read them without
# waiting would have them read.)
cold() {
	/usr/bin/python3 - "$HOME/.cache/ffs/v1" "${1-0}" <<-'END'
		import ctypes, mmap, os, sys
		libc = ctypes.CDLL(None, use_errno=True)
		start = int(sys.argv[2])
		for at, _, names in os.walk(sys.argv[1]):
		    for name in names:
		        f = os.open(os.path.join(at, name), os.O_RDONLY)
		        size = os.fstat(f).st_size
		        os.fsync(f)
		        os.posix_fadvise(f, start, 0, os.POSIX_FADV_DONTNEED)
		        if size <= start:
		            continue
		        m = mmap.mmap(f, size, mmap.MAP_PRIVATE)
		        pages = (ctypes.c_ubyte * (-(-size // mmap.PAGESIZE)))()
		        if libc.mincore(ctypes.c_void_p(ctypes.addressof(ctypes.c_char.from_buffer(m))), ctypes.c_size_t(size), pages):
		            sys.exit(os.strerror(ctypes.get_errno()))
		        if any(p & 1 for p in pages[-(-start // mmap.PAGESIZE):]):
		            sys.exit("%s is in memory" % name)
	END
}

# What each thread of the gateway has read, and written: "TID READ WRITTEN" a line.
threads_io() {
	local t
	for t in /proc/"${gate_pid:?}"/task/*; do
		echo "${t##*/} $(sed -n 's/^[rw]char: //p' "$t/io" | tr '\n' ' ')"
	done
}

# fetched BYTES: since ./before a thread that sends nothing has read so many.
fetched() {
	threads_io >after
	awk -v n="$1" 'NR == FNR { r[$1] = $2; w[$1] = $3; next }
		$2 - r[$1] >= n && $3 - w[$1] < 1000 { found = 1 } END { exit !found }' before after
}

@test "what is not in memory is read by a thread, not by the one that serves all" {
	[ "$(stat -f -c %T .)" != tmpfs ] || may_skip "files on tmpfs are always in memory"
	gated_node
	head -c 3000000 /dev/urandom >big.bin
	put small.csv 0123456789
	"$raw" -f big.bin "$url" PUT /bkt/big.bin >put.answer
	into_cache big.bin small.csv
	asked 1 GET /bkt/big.bin # compared with its checksum, once
	asked 1 GET /bkt/small.csv
	until_true 20 cold
	asked 1 GET /bkt/small.csv
	threads_io >before
	asked 1 GET /bkt/big.bin
	fetched 524288 # the first piece; the kernel may be ahead of the next
	# A part, and what is there but for its end.
	until_true 20 cold
	threads_io >before
	asked 1 GET /bkt/big.bin 'Range: bytes=1000000-1999999'
	fetched 524288
	asked 1 GET /bkt/big.bin
	until_true 20 cold 524288
	threads_io >before
	asked 1 GET /bkt/big.bin
	fetched 524288
}

@test "tags that another machine has changed are seen when somebody asks for them" {
	gated_minio
	put k.csv 0123456789
	into_cache k.csv
	asked 1 GET /bkt/k.csv
	tags() {
		"$raw" -d "<Tagging><TagSet>$1</TagSet></Tagging>" "${2-$url}" PUT '/bkt/k.csv?tagging' >/dev/null
	}
	one='<Tag><Key>a</Key><Value>1</Value></Tag>' two='<Tag><Key>b</Key><Value>2</Value></Tag>'
	tags "$one"
	asked 0 HEAD /bkt/k.csv
	grep -q '^x-amz-tagging-count: 1' gated
	asked 0 GET /bkt/k.csv
	into_cache k.csv
	asked 1 GET /bkt/k.csv
	tags "$one$two"
	asked 0 HEAD /bkt/k.csv
	asked 0 GET /bkt/k.csv
	grep -q '^x-amz-tagging-count: 2' gated
	# And at once where it is done here.
	into_cache k.csv
	asked 1 GET /bkt/k.csv
	tags "$one" "$gate_url"
	asked 0 GET /bkt/k.csv
	grep -q '^x-amz-tagging-count: 1' gated
}

@test "what is encrypted is a hit unless its key has a permission of its own" {
	export MINIO_KMS_SECRET_KEY=key:$(printf '0%.0s' {1..32} | base64)
	gated_minio
	put plain 'plain text'
	put s3 'text under the key of the store' 'x-amz-server-side-encryption: AES256'
	put kms 'text under a key' 'x-amz-server-side-encryption: aws:kms' \
		'x-amz-server-side-encryption-aws-kms-key-id: key'
	into_cache plain s3 kms
	asked 1 GET /bkt/plain "$checksums"
	asked 1 GET /bkt/s3 "$checksums"
	asked 0 GET /bkt/kms "$checksums"
	asked 0 GET /bkt/kms 'Range: bytes=3-5'
	grep -q '^x-amz-server-side-encryption: aws:kms' gated
	[ "$(tail -n 1 gated)" = "t u" ]
}

# in_time: a later second than that of the last one.
next_second() {
	[ "$(date +%s)" -gt "$then" ]
}

changes() {
	local i
	for i in {1..10}; do
		put k.csv "version $i"
		[ "$("$raw" "$gate_url" GET /bkt/k.csv | tail -n 1)" = "version $i" ] || return 1
		into_cache k.csv
		asked 1 GET /bkt/k.csv
		[ "$(tail -n 1 gated)" = "version $i" ] || return 1
	done
	etag=$(etag_of k.csv)
	put k.csv 'another version'
	# Parts of two versions are never put together.
	asked 0 GET /bkt/k.csv 'Range: bytes=2-3' "If-Match: $etag"
	[[ $(head -n 1 gated) == 412* ]]
	into_cache k.csv
	asked 1 GET /bkt/k.csv
	# Longer and shorter than what the cache has.
	put k.csv 'a version that is longer than the one before'
	asked 0 GET /bkt/k.csv 'Range: bytes=30-40'
	[ "$(tail -n 1 gated)" = 'the one bef' ]
	into_cache k.csv
	asked 1 GET /bkt/k.csv 'Range: bytes=30-40'
	put k.csv 'short'
	asked 0 GET /bkt/k.csv 'Range: bytes=30-40'
	[[ $(head -n 1 gated) == 416* ]]
	asked 0 GET /bkt/k.csv 'Range: bytes=-3'
	[ "$(tail -n 1 gated)" = ort ]
	into_cache k.csv
	asked 1 GET /bkt/k.csv
	"$raw" "$url" DELETE /bkt/k.csv >/dev/null
	asked 0 GET /bkt/k.csv
	[[ $(head -n 1 gated) == 404* ]]
	run -0 ffs-cache --list
	[[ $output != *k.csv* ]]

	# Its fields alone: the bytes and their ETag stay.
	put k.csv 'the same' 'x-amz-meta-who: me'
	into_cache k.csv
	asked 1 GET /bkt/k.csv
	then=$(date +%s)
	until_true 10 next_second
	put k.csv 'the same' 'x-amz-meta-who: somebody else'
	asked 0 GET /bkt/k.csv
	grep -q 'who: somebody else' gated
	into_cache k.csv
	asked 1 GET /bkt/k.csv
}

@test "what is changed or deleted at the node is never given as it was" {
	gated_node
	changes
}

@test "what is changed or deleted at MinIO is never given as it was" {
	gated_minio
	changes
}

@test "the same bytes once more are another version where versions are kept" {
	gated_minio
	"$raw" -d '<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>' \
		"$url" PUT '/bkt?versioning' >/dev/null
	put k text
	into_cache k
	asked 1 GET /bkt/k
	first=$(sed -n 's/^x-amz-version-id: //p' gated)
	[ -n "$first" ]
	asked 0 GET "/bkt/k?versionId=$first"
	then=$(date +%s)
	until_true 10 next_second
	put k text
	asked 0 GET /bkt/k
	run -1 grep -F "$first" gated
	asked 0 GET "/bkt/k?versionId=$first"
	into_cache k
	asked 1 GET /bkt/k
	"$raw" "$url" DELETE /bkt/k >/dev/null
	asked 0 GET /bkt/k
	[[ $(head -n 1 gated) == 404* ]]
	asked 0 GET "/bkt/k?versionId=$first"
	[[ $(head -n 1 gated) == 200* ]]
}

@test "an object that changes all the time is read by many, and never goes back" {
	gated_node
	put k.csv 100
	# Writes at the store; each reader's versions only grow, and are no older than what was acknowledged
	# before he asked.
	cat >reader <<-'END'
		last=0
		for ((i = 0; i < 40; i++)); do
			known=$(cat acknowledged)
			got=$("$raw" "$gate_url" GET /bkt/k.csv | tail -n 1)
			if [ "$got" -lt "$known" ] || [ "$got" -lt "$last" ]; then
				echo "$got after $known and $last"
				exit 1
			fi
			last=$got
		done
	END
	export raw gate_url url
	echo 100 >acknowledged
	(
		for ((v = 101; v < 160; v++)); do
			"$raw" -d "$v" "$url" PUT /bkt/k.csv >/dev/null || exit
			echo "$v" >acknowledged.new
			mv acknowledged.new acknowledged
			ffs-cache -q s3://bkt/k.csv || :
		done
	) 3>&- &
	pids+=("$!")
	readers=()
	for i in 1 2 3; do
		bash ./reader >"reader.$i" 3>&- &
		readers+=("$!")
	done
	for p in "${readers[@]}"; do wait "$p" || { cat reader.*; false; }; done
	[ "$(hits)" -gt 0 ]
}

has() {
	ffs-cache --list | grep -qF "$1"
}

@test "a write through the gateway takes the entry away" {
	gated_node
	for key in a b c d e f; do put $key "old $key"; done
	into_cache a b c d e f
	for key in a b c d e f; do asked 1 GET /bkt/$key; has bkt/$key; done
	"$raw" -d 'new a' "$gate_url" PUT /bkt/a >/dev/null
	run -1 has bkt/a
	asked 0 GET /bkt/a
	[ "$(tail -n 1 gated)" = 'new a' ]
	"$raw" "$gate_url" DELETE /bkt/b >/dev/null
	run -1 has bkt/b
	asked 0 GET /bkt/b
	"$raw" "$gate_url" PUT /bkt/c 'x-amz-copy-source: /bkt/a' >/dev/null
	run -1 has bkt/c
	asked 0 GET /bkt/c
	[ "$(tail -n 1 gated)" = 'new a' ]

	# In parts: only the last step counts.
	id=$("$raw" "$gate_url" POST '/bkt/d?uploads' | grep -o '<UploadId>[^<]*' | cut -d '>' -f 2)
	part=$("$raw" -d 'new d' "$gate_url" PUT "/bkt/d?partNumber=1&uploadId=$id" | sed -n 's/^etag: //p')
	has bkt/d
	asked 1 GET /bkt/d
	run -0 "$raw" -d "<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>$part</ETag></Part></CompleteMultipartUpload>" \
		"$gate_url" POST "/bkt/d?uploadId=$id"
	[[ $output == "200 "* ]]
	run -1 has bkt/d
	asked 0 GET /bkt/d
	[ "$(tail -n 1 gated)" = 'new d' ]

	# A list of keys.
	has bkt/e
	list='<Delete><Object><Key>e</Key></Object></Delete>'
	sum=$(printf %s "$list" | openssl dgst -md5 -binary | base64)
	run -0 "$raw" -d "$list" "$gate_url" POST '/bkt?delete' "Content-MD5: $sum"
	[[ $output == "200 "* ]]
	run -1 has bkt/e
	asked 0 GET /bkt/e
	[[ $(head -n 1 gated) == 404* ]]
	asked 0 GET /bkt/f
}

@test "who may not read an object at MinIO gets MinIO's 403, also where it is in the cache" {
	gated_minio
	[ -x "$peers/bin/mc" ] || may_skip "no mc (scripts/peers)"
	mc() {
		"$peers/bin/mc" --quiet --config-dir mc "$@" >mc.log 2>&1 || { cat mc.log >&2; return 1; }
	}
	mc alias set it "$url" "$AWS_ACCESS_KEY_ID" "$AWS_SECRET_ACCESS_KEY"
	"$raw" "$url" PUT /theirs >/dev/null
	cat >policy.json <<-'END'
		{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": ["s3:*"],
		 "Resource": ["arn:aws:s3:::theirs/*", "arn:aws:s3:::theirs", "arn:aws:s3:::bkt/public/*"]}]}
	END
	mc admin policy create it theirs policy.json
	mc admin user add it second secondsecret
	mc admin policy attach it theirs --user second
	put secret 'the secret text'
	put public/k 'the public text'
	into_cache secret public/k
	asked 1 GET /bkt/secret
	for fields in 'Accept: */*' 'Range: bytes=0-3' "$checksums" "If-Match: $(etag_of secret)" \
		"If-None-Match: $(etag_of secret)" 'If-None-Match: "x"' 'Origin: http://example.com'; do
		for who in second:secondsecret '' "second:$AWS_SECRET_ACCESS_KEY" "$AWS_ACCESS_KEY_ID:no"; do
			for method in GET HEAD; do
				asked 0 -k "$who" $method /bkt/secret "$fields"
				[[ $(head -n 1 gated) == 403* ]]
				run -1 grep -c 'the secret' gated
				asked 0 -k "$who" -p 60 $method /bkt/secret "$fields"
				run -1 grep -c 'the secret' gated
			done
		done
	done
	asked 1 -k second:secondsecret GET /bkt/public/k
	# A signature for one object is none for another.
	asked 1 GET /bkt/secret
	mc admin user remove it second
	asked 0 -k second:secondsecret GET /bkt/public/k
	[[ $(head -n 1 gated) == 403* ]]
}

# file_of KEY: the cache's file.
file_of() {
	local f
	find "$HOME/.cache/ffs/v1" -type f | while read -r f; do
		[[ $(getfattr --absolute-names --only-values -n user.ffs.object "$f" 2>/dev/null) != *" key=$1" ]] || echo "$f"
	done
}

@test "a file of the cache that was damaged is never given" {
	need_cmd getfattr
	gated_node
	spoilt=0
	echo 'a small text' >small
	head -c 3000000 /dev/urandom >large
	for key in small large; do
		"$raw" -f $key "$url" PUT /bkt/$key >/dev/null
		into_cache $key
		for at in 0 7 11; do
			into_cache $key
			asked 1 GET /bkt/$key
			file=$(file_of $key)
			[ -n "$file" ]
			chmod 644 "$file"
			printf '\377' | dd of="$file" bs=1 seek=$at conv=notrunc status=none
			asked 0 GET /bkt/$key
			[ "$(damaged)" -eq $((++spoilt)) ]
		done
		# Cut short.
		into_cache $key
		file=$(file_of $key)
		chmod 644 "$file"
		truncate -s 5 "$file"
		asked 0 GET /bkt/$key
	done
}

damaged() {
	ffs-cache --stat --json | sed -n 's/.*"damaged":\([0-9]*\).*/\1/p'
}

@test "an entry without the store's head is a miss, until it is fetched with it" {
	need_cmd getfattr
	gated_node
	put k 'some text'
	into_cache k
	file=$(file_of k)
	getfattr --absolute-names --only-values -n user.ffs.head "$file" >head.txt
	head -n 1 head.txt | grep -qx '1 checksums=1'
	grep -qx 'Date:' head.txt
	chmod 644 "$file"
	setfattr -x user.ffs.head "$file"
	asked 0 GET /bkt/k
	asked 0 GET /bkt/k 'Range: bytes=0-3'
	into_cache k
	asked 1 GET /bkt/k
	# Not what it was.
	file=$(file_of k)
	chmod 644 "$file"
	setfattr -n user.ffs.head -v "$(printf '1 checksums=1\nETag: "other"')"$'\n' "$file"
	asked 0 GET /bkt/k

	# Read in parts: the store gave no checksum, so who asks for that is not answered from it.
	rm -f "$file"
	ffs-get -q --cache=fill s3://bkt/k >/dev/null
	asked 1 GET /bkt/k
	asked 0 GET /bkt/k "$checksums"
	asked 1 GET /bkt/k "$checksums" 'Range: bytes=0-3'
	into_cache k
	asked 1 GET /bkt/k "$checksums"
}

@test "an object with more fields than the file system has room for is an entry, and answered right" {
	gated_node
	key=$(printf 'kkkkkkkk/%.0s' {1..100})k
	put "$key" 'some text' "x-amz-meta-a: $(printf 'v%.0s' {1..1800})"
	into_cache "$key"
	has "$key"
	"$raw" "$url" GET "/bkt/$key" >direct
	"$raw" "$gate_url" GET "/bkt/$key" >gated
	cmp direct gated
	ffs-get --cache=only "s3://bkt/$key" | grep -qx 'some text'
}

@test "chunks of a dataset are hits as they are, compressed ones come from the store" {
	gated_node
	seq -f '%g,1,2,3,4' 1 2000 >book.csv
	ffs-split -q -r 500 book.csv | ffs-load -q -n plain
	ffs-split -q -r 500 book.csv | ffs-load -q -z -n packed
	ffs-get -q --cache=fill plain | cmp - book.csv
	ffs-get -q --cache=fill packed | cmp - book.csv
	asked 1 GET /ffs/plain/1/00001.csv
	asked 1 GET /ffs/plain/1/00001.csv "$checksums"
	asked 0 GET /ffs/packed/1/00001.csv.zst
	asked 0 GET /ffs/packed/1/00001.csv.zst "$checksums"
}

@test "boto3 finds the checksums that it compares" {
	gated_node
	[ -x "$peers/venv/bin/python3" ] || may_skip "no boto3 (scripts/peers)"
	cat >read.py <<-'END'
		import sys
		import boto3
		from botocore.config import Config

		for mode in "when_supported", "when_required":
		    config = Config(response_checksum_validation=mode, s3={"addressing_style": "path"})
		    s3 = [boto3.client("s3", endpoint_url=u, region_name="us-east-1", config=config) for u in sys.argv[1:]]
		    for n in range(3):
		        s3[0].put_object(Bucket="bkt", Key="k%d" % n, Body=(mode + str(n)).encode() * 7000,
		                         ChecksumAlgorithm=("CRC32", "CRC32C", "SHA256")[n])
		        import subprocess
		        subprocess.run(["ffs-cache", "-q", "s3://bkt/k%d" % n], check=True)
		        for args in {}, {"Range": "bytes=5-9"}, {"ChecksumMode": "ENABLED"}:
		            r = [c.get_object(Bucket="bkt", Key="k%d" % n, **args) for c in s3]
		            assert r[0]["Body"].read() == r[1]["Body"].read()
		            for x in r:
		                for name in "ResponseMetadata", "Body":
		                    x.pop(name)
		            assert r[0] == r[1], r
		            if "ChecksumMode" in args or (mode == "when_supported" and not args):
		                assert [k for k in r[1] if k.startswith("Checksum")], r
	END
	before=$(hits)
	run -0 "$peers/venv/bin/python3" read.py "$url" "$gate_url"
	until_true 10 noted $((before + 18))
}
