;; Calls the four functions of a table in turn, n > 0 times: a loop of `call_indirect`.
(module
  (type $step (func (param i64 i64) (result i64)))
  (table 4 4 funcref)
  (elem (i32.const 0) $add $xor $rotate $multiply)
  (func $add (type $step) (i64.add (local.get 0) (local.get 1)))
  (func $xor (type $step) (i64.xor (local.get 0) (local.get 1)))
  (func $rotate (type $step) (i64.rotl (local.get 0) (local.get 1)))
  (func $multiply (type $step) (i64.mul (local.get 0) (i64.const 0x9e3779b97f4a7c15)))
  (func (export "main") (param $n i64) (result i64)
    (local $x i64)
    (loop $next
      (local.set $x
        (call_indirect (type $step)
          (local.get $x) (local.get $n)
          (i32.and (i32.wrap_i64 (local.get $n)) (i32.const 3))))
      (br_if $next (i64.ne (local.tee $n (i64.sub (local.get $n) (i64.const 1))) (i64.const 0))))
    (local.get $x)))
