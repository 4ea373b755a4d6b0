;; @NAME@: the input in capital letters. The host calls are in docs/spec/abi.md; it needs no memory.
(module
  (import "nonos" "len" (func $len (param i32) (result i64)))
  (import "nonos" "read" (func $read (param i32) (result i64)))
  (import "nonos" "write" (func $write (param i32 i64)))
  (import "nonos" "commit_len" (func $commit_len (param i32 i64)))

  ;; A byte, in capitals if it is one of a to z.
  (func $capital (param $byte i64) (result i64)
    (if (result i64) (i64.lt_u (i64.sub (local.get $byte) (i64.const 97)) (i64.const 26))
      (then (i64.sub (local.get $byte) (i64.const 32)))
      (else (local.get $byte))))

  ;; Each of a word's eight bytes.
  (func $capitals (param $word i64) (result i64)
    (local $result i64)
    (local $shift i64)
    (loop $byte
      (local.set $result
        (i64.or
          (local.get $result)
          (i64.shl
            (call $capital (i64.and (i64.shr_u (local.get $word) (local.get $shift)) (i64.const 255)))
            (local.get $shift))))
      (local.set $shift (i64.add (local.get $shift) (i64.const 8)))
      (br_if $byte (i64.lt_u (local.get $shift) (i64.const 64))))
    (local.get $result))

  ;; Tape 0 is the input, tape 3 the result; both are words of eight bytes, the last one filled up with zeros.
  (func (export "main")
    (local $size i64)
    (local $at i64)
    (local.set $size (call $len (i32.const 0)))
    (block $done
      (loop $word
        (br_if $done (i64.ge_u (local.get $at) (local.get $size)))
        (call $write (i32.const 3) (call $capitals (call $read (i32.const 0))))
        (local.set $at (i64.add (local.get $at) (i64.const 8)))
        (br $word)))
    (call $commit_len (i32.const 3) (local.get $size))))
