;; An interpreter whose loop is a `br_table`: eight registers in memory, instructions of four bytes (operation, a, b, c).
;; It runs the program at 64 with n > 0 in register 1, and returns register 0.
(module
  (memory 1 1)
  (data (i32.const 64)
    "\01\00\01\00"  ;; r0 = 1
    "\01\02\07\00"  ;; r2 = 7
    "\01\04\01\00"  ;; r4 = 1
    "\04\00\00\02"  ;; round: r0 = r0 * r2
    "\02\00\00\01"  ;;        r0 = r0 + r1
    "\06\03\00\0d"  ;;        r3 = r0 >> 13
    "\05\00\00\03"  ;;        r0 = r0 ^ r3
    "\03\01\01\04"  ;;        r1 = r1 - r4
    "\07\01\06\00"  ;;        if r1 ≠ 0, six instructions back from the next
    "\00\00\00\00") ;; halt
  (func (export "main") (param $n i64) (result i64)
    (local $pc i32) (local $word i32) (local $a i32) (local $b i64) (local $c i32)
    (i64.store (i32.const 8) (local.get $n))
    (local.set $pc (i32.const 64))
    (loop $next
      (local.set $word (i32.load (local.get $pc)))
      (local.set $pc (i32.add (local.get $pc) (i32.const 4)))
      ;; Addresses of the registers a and c, and the value of b.
      (local.set $a (i32.and (i32.shr_u (local.get $word) (i32.const 5)) (i32.const 0x38)))
      (local.set $b (i64.load (i32.and (i32.shr_u (local.get $word) (i32.const 13)) (i32.const 0x38))))
      (local.set $c (i32.and (i32.shr_u (local.get $word) (i32.const 21)) (i32.const 0x38)))
      (block $jump
        (block $shift
          (block $xor
            (block $mul
              (block $sub
                (block $add
                  (block $set
                    (block $halt
                      (br_table $halt $set $add $sub $mul $xor $shift $jump $halt
                        (i32.and (local.get $word) (i32.const 0xff))))
                    (return (i64.load (i32.const 0))))
                  (i64.store (local.get $a) (i64.extend_i32_u (i32.shr_u (local.get $word) (i32.const 16))))
                  (br $next))
                (i64.store (local.get $a) (i64.add (local.get $b) (i64.load (local.get $c))))
                (br $next))
              (i64.store (local.get $a) (i64.sub (local.get $b) (i64.load (local.get $c))))
              (br $next))
            (i64.store (local.get $a) (i64.mul (local.get $b) (i64.load (local.get $c))))
            (br $next))
          (i64.store (local.get $a) (i64.xor (local.get $b) (i64.load (local.get $c))))
          (br $next))
        (i64.store (local.get $a)
          (i64.shr_u (local.get $b) (i64.extend_i32_u (i32.shr_u (local.get $word) (i32.const 24)))))
        (br $next))
      (if (i64.ne (i64.load (local.get $a)) (i64.const 0))
        (then
          (local.set $pc
            (i32.sub
              (local.get $pc)
              (i32.and (i32.shr_u (local.get $word) (i32.const 14)) (i32.const 0x3fc))))))
      (br $next))
    (unreachable)))
