;; WASI preview 1 for programs that read standard input and write standard output and error, over the tapes of a capsule.
;; See docs/spec/wasi.md. What is imported from "program" is the program's own; what is exported replaces its imports, and
;; its `_start`. Functions that nothing reaches are left out.
(module
  (import "nonos" "len" (func $len (param i32) (result i64)))
  (import "nonos" "read" (func $read (param i32) (result i64)))
  (import "nonos" "write" (func $write (param i32 i64)))
  (import "nonos" "commit_len" (func $commit_len (param i32 i64)))
  (import "nonos" "exit" (func $exit (param i32)))
  (import "program" "_start" (func $main))
  (import "program" "memory" (memory 0))

  ;; Input: bytes of the tape that were not taken yet, −1 before the first is; what is left of the last word, in its low
  ;; bytes, and how many those are.
  (global $in_left (mut i64) (i64.const -1))
  (global $in_word (mut i64) (i64.const 0))
  (global $in_have (mut i32) (i32.const 0))
  ;; Of either output tape: bytes, and those that are no whole word yet.
  (global $out_size (mut i64) (i64.const 0))
  (global $out_word (mut i64) (i64.const 0))
  (global $out_have (mut i32) (i32.const 0))
  (global $log_size (mut i64) (i64.const 0))
  (global $log_word (mut i64) (i64.const 0))
  (global $log_have (mut i32) (i32.const 0))

  ;; The entry: the program, then what it has written and is no whole word.
  (func $wasi:_start (export "_start")
    (call $main)
    (call $wasi:flush))

  (func $wasi:flush
    (if (global.get $out_have)
      (then
        (call $write (i32.const 3) (global.get $out_word))
        (call $commit_len (i32.const 3) (global.get $out_size))))
    (if (global.get $log_have)
      (then
        (call $write (i32.const 5) (global.get $log_word))
        (call $commit_len (i32.const 5) (global.get $log_size)))))

  (func $wasi:proc_exit (export "proc_exit") (param $code i32)
    (call $wasi:flush)
    (call $exit (local.get $code))
    (unreachable))

  ;; Takes at most $size bytes of the input; says how many it took. Fewer only at the end.
  (func $wasi:take (param $at i32) (param $size i32) (result i32)
    (local $rest i32)
    (if (i64.lt_s (global.get $in_left) (i64.const 0))
      (then (global.set $in_left (call $len (i32.const 0)))))
    (if (i64.lt_u (global.get $in_left) (i64.extend_i32_u (local.get $size)))
      (then (local.set $size (i32.wrap_i64 (global.get $in_left)))))
    (global.set $in_left (i64.sub (global.get $in_left) (i64.extend_i32_u (local.get $size))))
    (local.set $rest (local.get $size))
    (block $done
      (loop $more
        ;; Bytes of a word that was begun.
        (loop $byte
          (br_if $done (i32.eqz (local.get $rest)))
          (if (global.get $in_have)
            (then
              (i64.store8 (local.get $at) (global.get $in_word))
              (global.set $in_word (i64.shr_u (global.get $in_word) (i64.const 8)))
              (global.set $in_have (i32.sub (global.get $in_have) (i32.const 1)))
              (local.set $at (i32.add (local.get $at) (i32.const 1)))
              (local.set $rest (i32.sub (local.get $rest) (i32.const 1)))
              (br $byte))))
        (block $few
          (loop $word
            (br_if $few (i32.lt_u (local.get $rest) (i32.const 8)))
            (i64.store align=1 (local.get $at) (call $read (i32.const 0)))
            (local.set $at (i32.add (local.get $at) (i32.const 8)))
            (local.set $rest (i32.sub (local.get $rest) (i32.const 8)))
            (br $word)))
        (br_if $done (i32.eqz (local.get $rest)))
        (global.set $in_word (call $read (i32.const 0)))
        (global.set $in_have (i32.const 8))
        (br $more)))
    (local.get $size))

  (func $wasi:fd_read (export "fd_read") (param $fd i32) (param $slices i32) (param $count i32) (param $size i32) (result i32)
    (local $sum i32)
    (local $got i32)
    (if (local.get $fd) (then (return (i32.const 8)))) ;; badf
    (block $done
      (loop $next
        (br_if $done (i32.eqz (local.get $count)))
        (local.set $got
          (call $wasi:take (i32.load (local.get $slices)) (i32.load offset=4 (local.get $slices))))
        (local.set $sum (i32.add (local.get $sum) (local.get $got)))
        (br_if $done (i32.lt_u (local.get $got) (i32.load offset=4 (local.get $slices))))
        (local.set $slices (i32.add (local.get $slices) (i32.const 8)))
        (local.set $count (i32.sub (local.get $count) (i32.const 1)))
        (br $next)))
    (i32.store (local.get $size) (local.get $sum))
    (i32.const 0))

  ;; Appends bytes to a tape of which $word holds $have bytes that are no whole word yet; gives those two as they are then.
  (func $wasi:put (param $tape i32) (param $at i32) (param $size i32) (param $word i64) (param $have i32) (result i64 i32)
    (local $shift i64)
    (local $next i64)
    (local.set $shift (i64.extend_i32_u (i32.shl (local.get $have) (i32.const 3))))
    (block $few
      (loop $words
        (br_if $few (i32.lt_u (local.get $size) (i32.const 8)))
        (local.set $next (i64.load align=1 (local.get $at)))
        (call $write (local.get $tape) (i64.or (local.get $word) (i64.shl (local.get $next) (local.get $shift))))
        (if (local.get $have)
          (then
            (local.set $word (i64.shr_u (local.get $next) (i64.sub (i64.const 64) (local.get $shift))))))
        (local.set $at (i32.add (local.get $at) (i32.const 8)))
        (local.set $size (i32.sub (local.get $size) (i32.const 8)))
        (br $words)))
    (block $done
      (loop $byte
        (br_if $done (i32.eqz (local.get $size)))
        (local.set $word
          (i64.or
            (local.get $word)
            (i64.shl
              (i64.load8_u (local.get $at))
              (i64.extend_i32_u (i32.shl (local.get $have) (i32.const 3))))))
        (local.set $have (i32.add (local.get $have) (i32.const 1)))
        (if (i32.eq (local.get $have) (i32.const 8))
          (then
            (call $write (local.get $tape) (local.get $word))
            (local.set $word (i64.const 0))
            (local.set $have (i32.const 0))))
        (local.set $at (i32.add (local.get $at) (i32.const 1)))
        (local.set $size (i32.sub (local.get $size) (i32.const 1)))
        (br $byte)))
    (local.get $word)
    (local.get $have))

  (func $wasi:fd_write (export "fd_write") (param $fd i32) (param $slices i32) (param $count i32) (param $size i32) (result i32)
    (local $sum i32)
    (local $at i32)
    (local $bytes i32)
    (if (i32.gt_u (i32.sub (local.get $fd) (i32.const 1)) (i32.const 1))
      (then (return (i32.const 8)))) ;; badf
    (block $done
      (loop $next
        (br_if $done (i32.eqz (local.get $count)))
        (local.set $at (i32.load (local.get $slices)))
        (local.set $bytes (i32.load offset=4 (local.get $slices)))
        (if (i32.eq (local.get $fd) (i32.const 1))
          (then
            (call $wasi:put (i32.const 3) (local.get $at) (local.get $bytes) (global.get $out_word) (global.get $out_have))
            (global.set $out_have)
            (global.set $out_word)
            (global.set $out_size (i64.add (global.get $out_size) (i64.extend_i32_u (local.get $bytes)))))
          (else
            (call $wasi:put (i32.const 5) (local.get $at) (local.get $bytes) (global.get $log_word) (global.get $log_have))
            (global.set $log_have)
            (global.set $log_word)
            (global.set $log_size (i64.add (global.get $log_size) (i64.extend_i32_u (local.get $bytes))))))
        (local.set $sum (i32.add (local.get $sum) (local.get $bytes)))
        (local.set $slices (i32.add (local.get $slices) (i32.const 8)))
        (local.set $count (i32.sub (local.get $count) (i32.const 1)))
        (br $next)))
    (i32.store (local.get $size) (local.get $sum))
    (i32.const 0))

  (func $wasi:fd_close (export "fd_close") (param $fd i32) (result i32)
    (select (i32.const 8) (i32.const 0) (i32.gt_u (local.get $fd) (i32.const 2)))) ;; badf

  (func $wasi:fd_seek (export "fd_seek") (param $fd i32) (param i64 i32 i32) (result i32)
    (select (i32.const 8) (i32.const 70) (i32.gt_u (local.get $fd) (i32.const 2)))) ;; badf, spipe

  ;; 24 bytes: of no known type (a terminal's output would be flushed by the line), no flags, the right to read or to write.
  (func $wasi:fd_fdstat_get (export "fd_fdstat_get") (param $fd i32) (param $at i32) (result i32)
    (if (i32.gt_u (local.get $fd) (i32.const 2)) (then (return (i32.const 8)))) ;; badf
    (i64.store align=1 (local.get $at) (i64.const 0))
    (i64.store offset=8 align=1 (local.get $at)
      (select (i64.const 0x40) (i64.const 0x02) (local.get $fd)))
    (i64.store offset=16 align=1 (local.get $at) (i64.const 0))
    (i32.const 0))

  ;; One argument, the name of the program: "capsule".
  (func $wasi:args_sizes_get (export "args_sizes_get") (param $count i32) (param $size i32) (result i32)
    (i32.store (local.get $count) (i32.const 1))
    (i32.store (local.get $size) (i32.const 8))
    (i32.const 0))
  (func $wasi:args_get (export "args_get") (param $pointers i32) (param $at i32) (result i32)
    (i32.store (local.get $pointers) (local.get $at))
    (i64.store align=1 (local.get $at) (i64.const 0x00656c7573706163))
    (i32.const 0))

  ;; No environment.
  (func $wasi:environ_sizes_get (export "environ_sizes_get") (param $count i32) (param $size i32) (result i32)
    (i32.store (local.get $count) (i32.const 0))
    (i32.store (local.get $size) (i32.const 0))
    (i32.const 0))
  (func $wasi:environ_get (export "environ_get") (param i32 i32) (result i32)
    (i32.const 0)))
