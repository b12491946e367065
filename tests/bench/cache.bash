# shellcheck shell=bash disable=SC2154,SC2034,SC2317
# Sections of scripts/bench, which sources this: cached reads, and what watching costs.

# --- cache: hits against cat, and against mounts that cache ---

bench_cache() {
	local files p50
	${CC:-cc} -O2 -o "$tools/readeach" tests/bench/readeach.c || return
	export FFS_CACHE=$disk/cache
	ffs-get --cache=fill lobster >/dev/null || return
	mapfile -t files < <(printf "$disk/www/%s\n" "${plain[@]}")

	# With --max-age the manifest is not asked for again, so that no packet is sent. The first hit
	# of each chunk after the fill reads and compares everything, as after a restart.
	run_hit_first() {
		rm -rf "$FFS_CACHE"
		ffs-get --cache=fill lobster >/dev/null && clock ffs-get --max-age 1h lobster >/dev/null
	}
	run_hit_asked() { clock ffs-get lobster >/dev/null; }
	run_hit_null() { clock ffs-get --max-age 1h lobster >/dev/null; }
	run_hit_full() { clock ffs-get --max-age 1h --verify=full lobster >/dev/null; }
	run_cat_null() { clock cat "${files[@]}" >/dev/null; }
	piped() { "$@" | cat >/dev/null; }
	run_hit_pipe() { clock piped ffs-get --max-age 1h lobster; }
	run_full_pipe() { clock piped ffs-get --max-age 1h --verify=full lobster; }
	run_cat_pipe() { clock piped cat "${files[@]}"; }
	alternate hit_first hit_asked hit_null hit_full cat_null hit_pipe full_pipe cat_pipe
	row "hits to /dev/null, manifest revalidated, verified before : cat" "${med[hit_asked]-}" "${med[cat_null]-}" ms cost 1.1
	row "hits to /dev/null, verified before : cat" "${med[hit_null]-}" "${med[cat_null]-}" ms cost 1.1
	row "hits to /dev/null, --verify=full : cat" "${med[hit_full]-}" "${med[cat_null]-}" ms cost 1.1
	row "hits to /dev/null, the first after a fill : cat" "${med[hit_first]-}" "${med[cat_null]-}" ms cost 1.1
	row "hits into a pipe, verified before : cat" "${med[hit_pipe]-}" "${med[cat_pipe]-}" ms cost 1.1
	row "hits into a pipe, --verify=full : cat" "${med[full_pipe]-}" "${med[cat_pipe]-}" ms cost 1.1

	# One chunk: every byte read into memory and compared with its checksum on our side; read
	# into memory, through the mount's page cache, on theirs.
	each_hit() {
		{ ffs-get --cache=only --verify=full --json --time-each -j 1 lobster >/dev/null; } 2>&1 |
			sed -n 's/.*"total_ms":\([0-9.]*\).*/\1/p'
	}
	run_each_hit() { t=$(each_hit | percentile 50) && [ -n "$t" ]; }
	run_each_file() { t=$("$tools/readeach" "${files[@]}" | percentile 50); }
	run_each_boto3() { t=$(as_minio "$python" "$client" each ffs "${plain[@]}" | percentile 50); }
	series=(each_hit each_file)
	[ -z "$python" ] || [ -z "$minio_bin" ] || series+=(each_boto3)
	mounts=()
	if [ -n "$minio_bin" ] && [ "$(id -u)" -eq 0 ] && [ -e /dev/fuse ]; then
		! mount_s3fs || series+=(each_s3fs)
		! mount_rclone || series+=(each_rclone)
	fi
	run_each_s3fs() { t=$(cd "$fast/s3fs" && "$tools/readeach" "${plain[@]}" | percentile 50); }
	run_each_rclone() { t=$(cd "$fast/rclone" && "$tools/readeach" "${plain[@]}" | percentile 50); }
	alternate "${series[@]}"
	unmount_all
	row "one cached chunk, --verify=full, p50 : the plain file" "${med[each_hit]-}" "${med[each_file]-}" ms cost 1.5
	row "one cached chunk, --verify=full, p50 : boto3, MinIO" "${med[each_hit]-}" "${med[each_boto3]-}" ms faster 9.0
	row "one cached chunk, --verify=full, p50 : s3fs use_cache, cached" "${med[each_hit]-}" "${med[each_s3fs]-}" ms faster 10
	row "one cached chunk, --verify=full, p50 : rclone VFS cache full, cached" "${med[each_hit]-}" "${med[each_rclone]-}" ms faster 10
	unset FFS_CACHE
}

# Mounts of MinIO's bucket whose caches have seen every chunk once.
mount_s3fs() {
	[ -n "$(command -v s3fs)" ] || return 1
	mkdir -p "$fast/s3fs" "$disk/s3fs-cache"
	(umask 077 && echo benchkey:benchsecret >"$fast/s3fs.passwd")
	s3fs ffs "$fast/s3fs" -o "url=$minio_url,use_path_request_style,passwd_file=$fast/s3fs.passwd,use_cache=$disk/s3fs-cache" \
		>/dev/null 2>&1 || return 1
	mounts+=("$fast/s3fs")
	(cd "$fast/s3fs" && cat "${plain[@]}" >/dev/null)
}

mount_rclone() {
	[ -n "$(command -v rclone)" ] || return 1
	mkdir -p "$fast/rclone"
	env -u AWS_CA_BUNDLE RCLONE_CONFIG_M_TYPE=s3 RCLONE_CONFIG_M_PROVIDER=Minio RCLONE_CONFIG_M_ENDPOINT="$minio_url" \
		RCLONE_CONFIG_M_ACCESS_KEY_ID=benchkey RCLONE_CONFIG_M_SECRET_ACCESS_KEY=benchsecret \
		rclone mount m:ffs "$fast/rclone" --daemon --vfs-cache-mode full --cache-dir "$disk/rclone-cache" \
		>/dev/null 2>&1 || return 1
	mounts+=("$fast/rclone")
	(cd "$fast/rclone" && cat "${plain[@]}" >/dev/null)
}

unmount_all() {
	local m
	for m in ${mounts[@]+"${mounts[@]}"}; do fusermount3 -u "$m" 2>/dev/null || umount -l "$m"; done
	mounts=()
}

# --- watch: in a lab of its own, since it puts programs into the kernel ---

bench_watch() {
	if [ "$(id -u)" -ne 0 ] || [ -z "$nginx_bin" ] || [ -z "$wrk" ]; then
		missing "what watching costs" "needs root, nginx and wrk"
		return
	fi
	export fast disk wrk nginx_bin tools runs plain_object=${plain[0]}
	scripts/lab -n 1 tests/bench/watched >"$fast/watched" 2>"$fast/watched.err" || {
		tail -n 3 "$fast/watched.err" >&2
		missing "what watching costs" "it failed"
		return
	}
	local what ours theirs target
	while IFS='|' read -r what ours theirs target; do
		case $what in
		rate*) row "${what#rate }" "$ours" "$theirs" 1/s rate "$target" ;;
		ms*) printf '%-64s %9.2f %9s %-6s %6s  <= %-4s %s\n' "${what#ms }" "$ours" "" ms "" "$target" \
			"$(awk -v a="$ours" -v t="$target" 'BEGIN { print a <= t ? "ok" : "MISSED" }')" ;;
		*) printf '%-64s %9s\n' "$what" "$ours" ;;
		esac
	done <"$fast/watched"
}

# --- redirect: what a connect() takes ---

bench_redirect() {
	if [ "$(id -u)" -ne 0 ]; then
		missing "what the redirect costs" "needs root"
		return
	fi
	export fast tools runs
	scripts/lab -n 1 tests/bench/redirect >"$fast/redirected" 2>"$fast/redirected.err" || {
		tail -n 3 "$fast/redirected.err" >&2
		missing "what the redirect costs" "it failed"
		return
	}
	local what ours theirs target
	while IFS='|' read -r what ours theirs target; do
		printf '%-64s %9.2f %9s %-6s' "${what#us }" "$ours" "$theirs" us
		[ -z "$target" ] || printf ' %6s  <= %-4s %s' "" "$target" \
			"$(awk -v a="$ours" -v t="$target" 'BEGIN { print a <= t ? "ok" : "MISSED" }')"
		echo
	done <"$fast/redirected"
}

# --- passes: Demo A's ratios ---

bench_passes() {
	if [ "$(id -u)" -ne 0 ]; then
		missing "pass \"store\" : pass 3" "needs root"
		return
	fi
	# On the disk: a memory file system's small pages take twice as long to read.
	TMPDIR=$disk FFS_DEMO_BUILD=$build scripts/demo-kernel --rows "$rows" </dev/null >"$fast/passes" 2>"$fast/passes.err" || {
		tail -n 30 "$fast/passes.err" >&2
		missing "pass \"store\" : pass 3" "it failed"
		return
	}
	local where store hot
	while read -r where store hot; do
		row "one chunk, p50, hot : from the store, over ${where//_/ }" "$hot" "$store" ms faster \
			"$([ "$where" = loopback ] && echo 1 || echo 330)"
	done < <(awk '/^one chunk, ms, over / { sub(/^one chunk, ms, over /, ""); sub(/ +p50.*/, ""); gsub(/ /, "_"); w = $0 }
		/^store, no cache/ { s = $4 * 1000 } /^pass 3: hot/ { print w, s, $4 * 1000 }' "$fast/passes")
}
