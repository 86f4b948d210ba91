	.file	"<string>"
	.section	.rodata.cst32,"aM",@progbits,32
	.p2align	5, 0x0
.LCPI0_0:
	.long	1
	.long	2
	.long	3
	.long	4
	.long	5
	.long	6
	.long	7
	.long	0
.LCPI0_1:
	.long	3
	.long	4
	.long	5
	.long	6
	.long	7
	.long	0
	.long	1
	.long	2
.LCPI0_2:
	.long	5
	.long	6
	.long	7
	.long	0
	.long	1
	.long	2
	.long	3
	.long	4
.LCPI0_3:
	.long	7
	.long	0
	.long	1
	.long	2
	.long	3
	.long	4
	.long	5
	.long	6
	.section	.ltext,"axl",@progbits
	.globl	_ZN8__main__3repB2v1B40c8tJTIeFIjxB2IKSgI4CrvQClQZ6FcpCShpgEU0AE5ArrayIfLi1E1C7mutable7alignedE5ArrayIfLi1E1C7mutable7alignedE5ArrayIfLi1E1C7mutable7alignedE5ArrayIfLi1E1C7mutable7alignedExx
	.p2align	4
	.type	_ZN8__main__3repB2v1B40c8tJTIeFIjxB2IKSgI4CrvQClQZ6FcpCShpgEU0AE5ArrayIfLi1E1C7mutable7alignedE5ArrayIfLi1E1C7mutable7alignedE5ArrayIfLi1E1C7mutable7alignedE5ArrayIfLi1E1C7mutable7alignedExx,@function
_ZN8__main__3repB2v1B40c8tJTIeFIjxB2IKSgI4CrvQClQZ6FcpCShpgEU0AE5ArrayIfLi1E1C7mutable7alignedE5ArrayIfLi1E1C7mutable7alignedE5ArrayIfLi1E1C7mutable7alignedE5ArrayIfLi1E1C7mutable7alignedExx:
	.cfi_startproc
	pushq	%r14
	.cfi_def_cfa_offset 16
	pushq	%rbx
	.cfi_def_cfa_offset 24
	.cfi_offset %rbx, -24
	.cfi_offset %r14, -16
	movq	224(%rsp), %rax
	testq	%rax, %rax
	jle	.LBB0_11
	movabsq	$.LCPI0_1, %rbx
	movq	216(%rsp), %r9
	movabsq	$.LCPI0_0, %r11
	movabsq	$.LCPI0_2, %r14
	movq	24(%rsp), %r8
	movq	192(%rsp), %rcx
	movq	136(%rsp), %rdx
	movq	80(%rsp), %rsi
	vmovaps	(%rbx), %ymm1
	movabsq	$.LCPI0_3, %rbx
	vmovaps	(%r11), %ymm0
	vmovaps	(%r14), %ymm2
	vmovaps	(%rbx), %ymm3
	movq	%r9, %r10
	sarq	$63, %r10
	addq	$992, %r8
	andnq	%r9, %r10, %r9
	movb	$61, %r10b
	bzhiq	%r10, %r9, %r9
	leaq	2(%r9), %r10
	jmp	.LBB0_2
	.p2align	4
.LBB0_10:
	vmovups	(%rdx), %ymm8
	vdivps	%ymm4, %ymm8, %ymm4
	vmovups	%ymm4, (%rsi)
	vmovups	32(%rdx), %ymm4
	vdivps	%ymm7, %ymm4, %ymm4
	vmovups	%ymm4, 32(%rsi)
	vmovups	64(%rdx), %ymm4
	vdivps	%ymm6, %ymm4, %ymm4
	vmovups	%ymm4, 64(%rsi)
	vmovups	96(%rdx), %ymm4
	vdivps	%ymm5, %ymm4, %ymm4
	vmovups	%ymm4, 96(%rsi)
	cmpq	$1, %rax
	leaq	-1(%rax), %rax
	jbe	.LBB0_11
.LBB0_2:
	vxorps	%xmm4, %xmm4, %xmm4
	vxorps	%xmm9, %xmm9, %xmm9
	vxorps	%xmm7, %xmm7, %xmm7
	vxorps	%xmm6, %xmm6, %xmm6
	vxorps	%xmm5, %xmm5, %xmm5
	testq	%r9, %r9
	je	.LBB0_6
	movq	%r10, %r11
	movq	%rsi, %rbx
	movq	%r8, %r14
	vxorps	%xmm8, %xmm8, %xmm8
	vxorps	%xmm10, %xmm10, %xmm10
	vxorps	%xmm11, %xmm11, %xmm11
	vxorps	%xmm12, %xmm12, %xmm12
	.p2align	4
.LBB0_4:
	vmovups	(%rbx), %ymm13
	addq	$32, %rbx
	decq	%r11
	vfmadd231ps	-992(%r14), %ymm13, %ymm12
	vfmadd231ps	-960(%r14), %ymm13, %ymm11
	vfmadd231ps	-928(%r14), %ymm13, %ymm10
	vfmadd231ps	-896(%r14), %ymm13, %ymm8
	vpermps	%ymm13, %ymm0, %ymm14
	vfmadd231ps	-864(%r14), %ymm14, %ymm9
	vfmadd231ps	-832(%r14), %ymm14, %ymm7
	vfmadd231ps	-800(%r14), %ymm14, %ymm6
	vfmadd231ps	-768(%r14), %ymm14, %ymm5
	vpermpd	$57, %ymm13, %ymm14
	vfmadd231ps	-736(%r14), %ymm14, %ymm12
	vfmadd231ps	-704(%r14), %ymm14, %ymm11
	vfmadd231ps	-672(%r14), %ymm14, %ymm10
	vfmadd231ps	-640(%r14), %ymm14, %ymm8
	vpermps	%ymm13, %ymm1, %ymm14
	vfmadd231ps	-608(%r14), %ymm14, %ymm9
	vfmadd231ps	-576(%r14), %ymm14, %ymm7
	vfmadd231ps	-544(%r14), %ymm14, %ymm6
	vfmadd231ps	-512(%r14), %ymm14, %ymm5
	vpermpd	$78, %ymm13, %ymm14
	vfmadd231ps	-480(%r14), %ymm14, %ymm12
	vfmadd231ps	-448(%r14), %ymm14, %ymm11
	vfmadd231ps	-416(%r14), %ymm14, %ymm10
	vfmadd231ps	-384(%r14), %ymm14, %ymm8
	vpermps	%ymm13, %ymm2, %ymm14
	vfmadd231ps	-352(%r14), %ymm14, %ymm9
	vfmadd231ps	-320(%r14), %ymm14, %ymm7
	vfmadd231ps	-288(%r14), %ymm14, %ymm6
	vfmadd231ps	-256(%r14), %ymm14, %ymm5
	vpermpd	$147, %ymm13, %ymm14
	vpermps	%ymm13, %ymm3, %ymm13
	vfmadd231ps	-224(%r14), %ymm14, %ymm12
	vfmadd231ps	-192(%r14), %ymm14, %ymm11
	vfmadd231ps	-160(%r14), %ymm14, %ymm10
	vfmadd231ps	-128(%r14), %ymm14, %ymm8
	vfmadd231ps	-96(%r14), %ymm13, %ymm9
	vfmadd231ps	-64(%r14), %ymm13, %ymm7
	vfmadd231ps	-32(%r14), %ymm13, %ymm6
	vfmadd231ps	(%r14), %ymm13, %ymm5
	addq	$1024, %r14
	cmpq	$2, %r11
	ja	.LBB0_4
	vaddps	%ymm9, %ymm12, %ymm9
	vaddps	%ymm7, %ymm11, %ymm7
	vaddps	%ymm6, %ymm10, %ymm6
	vaddps	%ymm5, %ymm8, %ymm5
.LBB0_6:
	vmovups	(%rdx), %ymm8
	vdivps	%ymm9, %ymm8, %ymm8
	vmovups	%ymm8, (%rcx)
	vmovups	32(%rdx), %ymm8
	vdivps	%ymm7, %ymm8, %ymm7
	vmovups	%ymm7, 32(%rcx)
	vmovups	64(%rdx), %ymm7
	vdivps	%ymm6, %ymm7, %ymm6
	vxorps	%xmm7, %xmm7, %xmm7
	vmovups	%ymm6, 64(%rcx)
	vmovups	96(%rdx), %ymm6
	vdivps	%ymm5, %ymm6, %ymm5
	vxorps	%xmm6, %xmm6, %xmm6
	vmovups	%ymm5, 96(%rcx)
	vxorps	%xmm5, %xmm5, %xmm5
	testq	%r9, %r9
	je	.LBB0_10
	movq	%r10, %r11
	movq	%rcx, %rbx
	movq	%r8, %r14
	vxorps	%xmm4, %xmm4, %xmm4
	vxorps	%xmm8, %xmm8, %xmm8
	vxorps	%xmm9, %xmm9, %xmm9
	vxorps	%xmm10, %xmm10, %xmm10
	vxorps	%xmm11, %xmm11, %xmm11
	.p2align	4
.LBB0_8:
	vmovups	(%rbx), %ymm12
	addq	$32, %rbx
	decq	%r11
	vfmadd231ps	-992(%r14), %ymm12, %ymm11
	vfmadd231ps	-960(%r14), %ymm12, %ymm10
	vfmadd231ps	-928(%r14), %ymm12, %ymm9
	vfmadd231ps	-896(%r14), %ymm12, %ymm8
	vpermps	%ymm12, %ymm0, %ymm13
	vfmadd231ps	-864(%r14), %ymm13, %ymm4
	vfmadd231ps	-832(%r14), %ymm13, %ymm7
	vfmadd231ps	-800(%r14), %ymm13, %ymm6
	vfmadd231ps	-768(%r14), %ymm13, %ymm5
	vpermpd	$57, %ymm12, %ymm13
	vfmadd231ps	-736(%r14), %ymm13, %ymm11
	vfmadd231ps	-704(%r14), %ymm13, %ymm10
	vfmadd231ps	-672(%r14), %ymm13, %ymm9
	vfmadd231ps	-640(%r14), %ymm13, %ymm8
	vpermps	%ymm12, %ymm1, %ymm13
	vfmadd231ps	-608(%r14), %ymm13, %ymm4
	vfmadd231ps	-576(%r14), %ymm13, %ymm7
	vfmadd231ps	-544(%r14), %ymm13, %ymm6
	vfmadd231ps	-512(%r14), %ymm13, %ymm5
	vpermpd	$78, %ymm12, %ymm13
	vfmadd231ps	-480(%r14), %ymm13, %ymm11
	vfmadd231ps	-448(%r14), %ymm13, %ymm10
	vfmadd231ps	-416(%r14), %ymm13, %ymm9
	vfmadd231ps	-384(%r14), %ymm13, %ymm8
	vpermps	%ymm12, %ymm2, %ymm13
	vfmadd231ps	-352(%r14), %ymm13, %ymm4
	vfmadd231ps	-320(%r14), %ymm13, %ymm7
	vfmadd231ps	-288(%r14), %ymm13, %ymm6
	vfmadd231ps	-256(%r14), %ymm13, %ymm5
	vpermpd	$147, %ymm12, %ymm13
	vpermps	%ymm12, %ymm3, %ymm12
	vfmadd231ps	-224(%r14), %ymm13, %ymm11
	vfmadd231ps	-192(%r14), %ymm13, %ymm10
	vfmadd231ps	-160(%r14), %ymm13, %ymm9
	vfmadd231ps	-128(%r14), %ymm13, %ymm8
	vfmadd231ps	-96(%r14), %ymm12, %ymm4
	vfmadd231ps	-64(%r14), %ymm12, %ymm7
	vfmadd231ps	-32(%r14), %ymm12, %ymm6
	vfmadd231ps	(%r14), %ymm12, %ymm5
	addq	$1024, %r14
	cmpq	$2, %r11
	ja	.LBB0_8
	vaddps	%ymm4, %ymm11, %ymm4
	vaddps	%ymm7, %ymm10, %ymm7
	vaddps	%ymm6, %ymm9, %ymm6
	vaddps	%ymm5, %ymm8, %ymm5
	jmp	.LBB0_10
.LBB0_11:
	movq	$0, (%rdi)
	xorl	%eax, %eax
	popq	%rbx
	.cfi_def_cfa_offset 16
	popq	%r14
	.cfi_def_cfa_offset 8
	vzeroupper
	retq
.Lfunc_end0:
	.size	_ZN8__main__3repB2v1B40c8tJTIeFIjxB2IKSgI4CrvQClQZ6FcpCShpgEU0AE5ArrayIfLi1E1C7mutable7alignedE5ArrayIfLi1E1C7mutable7alignedE5ArrayIfLi1E1C7mutable7alignedE5ArrayIfLi1E1C7mutable7alignedExx, .Lfunc_end0-_ZN8__main__3repB2v1B40c8tJTIeFIjxB2IKSgI4CrvQClQZ6FcpCShpgEU0AE5ArrayIfLi1E1C7mutable7alignedE5ArrayIfLi1E1C7mutable7alignedE5ArrayIfLi1E1C7mutable7alignedE5ArrayIfLi1E1C7mutable7alignedExx
	.cfi_endproc

	.globl	_ZN7cpython8__main__3repB2v1B40c8tJTIeFIjxB2IKSgI4CrvQClQZ6FcpCShpgEU0AE5ArrayIfLi1E1C7mutable7alignedE5ArrayIfLi1E1C7mutable7alignedE5ArrayIfLi1E1C7mutable7alignedE5ArrayIfLi1E1C7mutable7alignedExx
	.p2align	4
	.type	_ZN7cpython8__main__3repB2v1B40c8tJTIeFIjxB2IKSgI4CrvQClQZ6FcpCShpgEU0AE5ArrayIfLi1E1C7mutable7alignedE5ArrayIfLi1E1C7mutable7alignedE5ArrayIfLi1E1C7mutable7alignedE5ArrayIfLi1E1C7mutable7alignedExx,@function
_ZN7cpython8__main__3repB2v1B40c8tJTIeFIjxB2IKSgI4CrvQClQZ6FcpCShpgEU0AE5ArrayIfLi1E1C7mutable7alignedE5ArrayIfLi1E1C7mutable7alignedE5ArrayIfLi1E1C7mutable7alignedE5ArrayIfLi1E1C7mutable7alignedExx:
	.cfi_startproc
	pushq	%rbp
	.cfi_def_cfa_offset 16
	pushq	%r15
	.cfi_def_cfa_offset 24
	pushq	%r14
	.cfi_def_cfa_offset 32
	pushq	%r13
	.cfi_def_cfa_offset 40
	pushq	%r12
	.cfi_def_cfa_offset 48
	pushq	%rbx
	.cfi_def_cfa_offset 56
	subq	$376, %rsp
	.cfi_def_cfa_offset 432
	.cfi_offset %rbx, -56
	.cfi_offset %r12, -48
	.cfi_offset %r13, -40
	.cfi_offset %r14, -32
	.cfi_offset %r15, -24
	.cfi_offset %rbp, -16
	leaq	72(%rsp), %r10
	movq	%rsi, %rdi
	xorl	%ebx, %ebx
	leaq	80(%rsp), %r11
	leaq	88(%rsp), %r14
	leaq	96(%rsp), %r15
	movabsq	$.const.rep, %rsi
	movabsq	$PyArg_UnpackTuple, %r12
	leaq	112(%rsp), %r8
	leaq	104(%rsp), %r9
	movl	$6, %edx
	movl	$6, %ecx
	xorl	%eax, %eax
	pushq	%r10
	.cfi_adjust_cfa_offset 8
	pushq	%r11
	.cfi_adjust_cfa_offset 8
	pushq	%r14
	.cfi_adjust_cfa_offset 8
	pushq	%r15
	.cfi_adjust_cfa_offset 8
	callq	*%r12
	addq	$32, %rsp
	.cfi_adjust_cfa_offset -32
	testl	%eax, %eax
	je	.LBB1_16
	movabsq	$_ZN08NumbaEnv8__main__3repB2v1B40c8tJTIeFIjxB2IKSgI4CrvQClQZ6FcpCShpgEU0AE5ArrayIfLi1E1C7mutable7alignedE5ArrayIfLi1E1C7mutable7alignedE5ArrayIfLi1E1C7mutable7alignedE5ArrayIfLi1E1C7mutable7alignedExx, %rax
	cmpq	$0, (%rax)
	je	.LBB1_21
	movq	112(%rsp), %rdi
	movabsq	$NRT_adapt_ndarray_from_python, %rbx
	leaq	320(%rsp), %rsi
	vxorps	%xmm0, %xmm0, %xmm0
	vmovups	%ymm0, 320(%rsp)
	vmovups	%ymm0, 344(%rsp)
	vzeroupper
	callq	*%rbx
	testl	%eax, %eax
	jne	.LBB1_22
	cmpq	$4, 344(%rsp)
	jne	.LBB1_22
	movq	104(%rsp), %rdi
	movq	320(%rsp), %r15
	movq	352(%rsp), %r13
	leaq	256(%rsp), %rsi
	vxorps	%xmm0, %xmm0, %xmm0
	vmovups	%ymm0, 256(%rsp)
	vmovups	%ymm0, 280(%rsp)
	vzeroupper
	callq	*%rbx
	testl	%eax, %eax
	jne	.LBB1_23
	cmpq	$4, 280(%rsp)
	jne	.LBB1_23
	movq	96(%rsp), %rdi
	movq	256(%rsp), %r14
	movq	288(%rsp), %rbp
	leaq	192(%rsp), %rsi
	vxorps	%xmm0, %xmm0, %xmm0
	vmovups	%ymm0, 192(%rsp)
	vmovups	%ymm0, 216(%rsp)
	vzeroupper
	callq	*%rbx
	testl	%eax, %eax
	jne	.LBB1_24
	cmpq	$4, 216(%rsp)
	jne	.LBB1_24
	movq	224(%rsp), %rax
	movq	88(%rsp), %rdi
	movq	192(%rsp), %r12
	leaq	128(%rsp), %rsi
	vxorps	%xmm0, %xmm0, %xmm0
	vmovups	%ymm0, 128(%rsp)
	vmovups	%ymm0, 152(%rsp)
	movq	%rax, 64(%rsp)
	vzeroupper
	callq	*%rbx
	testl	%eax, %eax
	jne	.LBB1_25
	cmpq	$4, 152(%rsp)
	jne	.LBB1_25
	movq	128(%rsp), %rax
	movq	160(%rsp), %rcx
	movq	80(%rsp), %rdi
	movabsq	$PyNumber_Long, %rbx
	movq	%rbp, 48(%rsp)
	movq	%r13, 56(%rsp)
	movq	%r12, 16(%rsp)
	movq	%r14, 24(%rsp)
	movq	%rax, 8(%rsp)
	movq	%rcx, 40(%rsp)
	callq	*%rbx
	movabsq	$PyLong_AsLongLong, %r14
	movabsq	$Py_DecRef, %r12
	movq	%r15, 32(%rsp)
	testq	%rax, %rax
	je	.LBB1_26
	movq	%rax, %rdi
	movq	%rax, %rbp
	callq	*%r14
	movq	%rbp, %rdi
	movq	%rax, %r13
	callq	*%r12
	movabsq	$PyErr_Occurred, %r15
	callq	*%r15
	testq	%rax, %rax
	jne	.LBB1_28
.LBB1_12:
	movq	72(%rsp), %rdi
	callq	*%rbx
	testq	%rax, %rax
	je	.LBB1_27
	movq	%rax, %rdi
	movq	%rax, %rbx
	callq	*%r14
	movq	%rbx, %rdi
	movq	%rax, %rbp
	callq	*%r12
	callq	*%r15
	testq	%rax, %rax
	jne	.LBB1_28
.LBB1_14:
	movabsq	$PyEval_SaveThread, %rax
	callq	*%rax
	movq	%rax, %rbx
	subq	$208, %rsp
	.cfi_adjust_cfa_offset 208
	movq	272(%rsp), %rdx
	movq	248(%rsp), %rax
	movq	256(%rsp), %rdi
	movq	%r13, 192(%rsp)
	movq	216(%rsp), %r12
	movq	224(%rsp), %r13
	movq	232(%rsp), %r15
	movq	240(%rsp), %r14
	movq	%rbp, 200(%rsp)
	movq	%rdx, 112(%rsp)
	movq	264(%rsp), %rdx
	movq	%rax, 168(%rsp)
	movq	%rdi, 56(%rsp)
	movabsq	$_ZN8__main__3repB2v1B40c8tJTIeFIjxB2IKSgI4CrvQClQZ6FcpCShpgEU0AE5ArrayIfLi1E1C7mutable7alignedE5ArrayIfLi1E1C7mutable7alignedE5ArrayIfLi1E1C7mutable7alignedE5ArrayIfLi1E1C7mutable7alignedExx, %rax
	leaq	328(%rsp), %rdi
	movq	%r12, 136(%rsp)
	movq	%r13, 80(%rsp)
	movq	%r15, 24(%rsp)
	movq	%rdx, (%rsp)
	movq	%r14, %rdx
	callq	*%rax
	addq	$208, %rsp
	.cfi_adjust_cfa_offset -208
	movl	%eax, %ebp
	movabsq	$PyEval_RestoreThread, %rax
	movq	%rbx, %rdi
	callq	*%rax
	movabsq	$NRT_decref, %rbx
	movq	%r14, %rdi
	callq	*%rbx
	movq	%r15, %rdi
	callq	*%rbx
	movq	%r13, %rdi
	callq	*%rbx
	movq	%r12, %rdi
	callq	*%rbx
	testl	%ebp, %ebp
	jne	.LBB1_17
	movabsq	$_Py_NoneStruct, %rbx
	movabsq	$Py_IncRef, %rax
	movq	%rbx, %rdi
	callq	*%rax
.LBB1_16:
	movq	%rbx, %rax
	addq	$376, %rsp
	.cfi_def_cfa_offset 56
	popq	%rbx
	.cfi_def_cfa_offset 48
	popq	%r12
	.cfi_def_cfa_offset 40
	popq	%r13
	.cfi_def_cfa_offset 32
	popq	%r14
	.cfi_def_cfa_offset 24
	popq	%r15
	.cfi_def_cfa_offset 16
	popq	%rbp
	.cfi_def_cfa_offset 8
	retq
.LBB1_17:
	.cfi_def_cfa_offset 432
	jg	.LBB1_36
	cmpl	$-1, %ebp
	je	.LBB1_33
	cmpl	$-3, %ebp
	jne	.LBB1_34
	movabsq	$PyExc_StopIteration, %rdi
	movabsq	$PyErr_SetNone, %rax
	jmp	.LBB1_32
.LBB1_21:
	movabsq	$PyExc_RuntimeError, %rdi
	movabsq	$".const.missing Environment: _ZN08NumbaEnv8__main__3repB2v1B40c8tJTIeFIjxB2IKSgI4CrvQClQZ6FcpCShpgEU0AE5ArrayIfLi1E1C7mutable7alignedE5ArrayIfLi1E1C7mutable7alignedE5ArrayIfLi1E1C7mutable7alignedE5ArrayIfLi1E1C7mutable7alignedExx", %rsi
	jmp	.LBB1_35
.LBB1_22:
	movabsq	$PyExc_TypeError, %rdi
	movabsq	$".const.can't unbox array from PyObject into native value.  The object maybe of a different type", %rsi
	jmp	.LBB1_35
.LBB1_23:
	movabsq	$PyExc_TypeError, %rdi
	movabsq	$".const.can't unbox array from PyObject into native value.  The object maybe of a different type", %rsi
	movabsq	$PyErr_SetString, %rax
	callq	*%rax
	jmp	.LBB1_31
.LBB1_24:
	movabsq	$PyExc_TypeError, %rdi
	movabsq	$".const.can't unbox array from PyObject into native value.  The object maybe of a different type", %rsi
	movabsq	$PyErr_SetString, %rax
	callq	*%rax
	jmp	.LBB1_30
.LBB1_25:
	movabsq	$PyExc_TypeError, %rdi
	movabsq	$".const.can't unbox array from PyObject into native value.  The object maybe of a different type", %rsi
	movabsq	$PyErr_SetString, %rax
	callq	*%rax
	jmp	.LBB1_29
.LBB1_26:
	xorl	%r13d, %r13d
	movabsq	$PyErr_Occurred, %r15
	callq	*%r15
	testq	%rax, %rax
	je	.LBB1_12
	jmp	.LBB1_28
.LBB1_27:
	xorl	%ebp, %ebp
	callq	*%r15
	testq	%rax, %rax
	je	.LBB1_14
.LBB1_28:
	movq	8(%rsp), %rdi
	movabsq	$NRT_decref, %rax
	callq	*%rax
	movq	32(%rsp), %r15
	movq	24(%rsp), %r14
	movq	16(%rsp), %r12
.LBB1_29:
	movabsq	$NRT_decref, %rax
	movq	%r12, %rdi
	callq	*%rax
.LBB1_30:
	movabsq	$NRT_decref, %rax
	movq	%r14, %rdi
	callq	*%rax
.LBB1_31:
	movabsq	$NRT_decref, %rax
	movq	%r15, %rdi
.LBB1_32:
	callq	*%rax
.LBB1_33:
	xorl	%ebx, %ebx
	jmp	.LBB1_16
.LBB1_34:
	movabsq	$PyExc_SystemError, %rdi
	movabsq	$".const.unknown error when calling native function", %rsi
.LBB1_35:
	movabsq	$PyErr_SetString, %rax
	callq	*%rax
	xorl	%ebx, %ebx
	jmp	.LBB1_16
.LBB1_36:
	movabsq	$PyErr_Clear, %rax
	callq	*%rax
.Lfunc_end1:
	.size	_ZN7cpython8__main__3repB2v1B40c8tJTIeFIjxB2IKSgI4CrvQClQZ6FcpCShpgEU0AE5ArrayIfLi1E1C7mutable7alignedE5ArrayIfLi1E1C7mutable7alignedE5ArrayIfLi1E1C7mutable7alignedE5ArrayIfLi1E1C7mutable7alignedExx, .Lfunc_end1-_ZN7cpython8__main__3repB2v1B40c8tJTIeFIjxB2IKSgI4CrvQClQZ6FcpCShpgEU0AE5ArrayIfLi1E1C7mutable7alignedE5ArrayIfLi1E1C7mutable7alignedE5ArrayIfLi1E1C7mutable7alignedE5ArrayIfLi1E1C7mutable7alignedExx
	.cfi_endproc

	.globl	cfunc._ZN8__main__3repB2v1B40c8tJTIeFIjxB2IKSgI4CrvQClQZ6FcpCShpgEU0AE5ArrayIfLi1E1C7mutable7alignedE5ArrayIfLi1E1C7mutable7alignedE5ArrayIfLi1E1C7mutable7alignedE5ArrayIfLi1E1C7mutable7alignedExx
	.p2align	4
	.type	cfunc._ZN8__main__3repB2v1B40c8tJTIeFIjxB2IKSgI4CrvQClQZ6FcpCShpgEU0AE5ArrayIfLi1E1C7mutable7alignedE5ArrayIfLi1E1C7mutable7alignedE5ArrayIfLi1E1C7mutable7alignedE5ArrayIfLi1E1C7mutable7alignedExx,@function
cfunc._ZN8__main__3repB2v1B40c8tJTIeFIjxB2IKSgI4CrvQClQZ6FcpCShpgEU0AE5ArrayIfLi1E1C7mutable7alignedE5ArrayIfLi1E1C7mutable7alignedE5ArrayIfLi1E1C7mutable7alignedE5ArrayIfLi1E1C7mutable7alignedExx:
	.cfi_startproc
	pushq	%r14
	.cfi_def_cfa_offset 16
	pushq	%rbx
	.cfi_def_cfa_offset 24
	subq	$232, %rsp
	.cfi_def_cfa_offset 256
	.cfi_offset %rbx, -24
	.cfi_offset %r14, -16
	vmovaps	432(%rsp), %xmm0
	movq	%rdi, %rdx
	movq	264(%rsp), %rax
	movq	352(%rsp), %rdi
	movq	296(%rsp), %rcx
	movq	320(%rsp), %rsi
	movq	376(%rsp), %r9
	movq	408(%rsp), %r10
	movq	$0, 224(%rsp)
	vmovups	%xmm0, 192(%rsp)
	movq	%rdi, 112(%rsp)
	movq	%rax, 24(%rsp)
	movabsq	$_ZN8__main__3repB2v1B40c8tJTIeFIjxB2IKSgI4CrvQClQZ6FcpCShpgEU0AE5ArrayIfLi1E1C7mutable7alignedE5ArrayIfLi1E1C7mutable7alignedE5ArrayIfLi1E1C7mutable7alignedE5ArrayIfLi1E1C7mutable7alignedExx, %rax
	leaq	224(%rsp), %rdi
	movq	%r10, 168(%rsp)
	movq	%r9, 136(%rsp)
	movq	%rsi, 80(%rsp)
	movq	%rcx, 56(%rsp)
	movq	%r8, (%rsp)
	callq	*%rax
	movq	224(%rsp), %rcx
	movl	$0, 220(%rsp)
	testl	%eax, %eax
	jne	.LBB2_1
.LBB2_5:
	movq	%rcx, %rax
	addq	$232, %rsp
	.cfi_def_cfa_offset 24
	popq	%rbx
	.cfi_def_cfa_offset 16
	popq	%r14
	.cfi_def_cfa_offset 8
	retq
.LBB2_1:
	.cfi_def_cfa_offset 256
	movq	%rcx, %r14
	movabsq	$numba_gil_ensure, %rcx
	leaq	220(%rsp), %rdi
	movl	%eax, %ebx
	callq	*%rcx
	testl	%ebx, %ebx
	jg	.LBB2_2
	movl	%ebx, %eax
	cmpl	$-1, %ebx
	je	.LBB2_4
	cmpl	$-3, %eax
	jne	.LBB2_3
	movabsq	$PyExc_StopIteration, %rdi
	movabsq	$PyErr_SetNone, %rax
	callq	*%rax
	jmp	.LBB2_4
.LBB2_3:
	movabsq	$PyExc_SystemError, %rdi
	movabsq	$".const.unknown error when calling native function.2", %rsi
	movabsq	$PyErr_SetString, %rax
	callq	*%rax
.LBB2_4:
	movabsq	$".const.<numba.core.cpu.CPUContext>", %rdi
	movabsq	$PyUnicode_FromString, %rax
	callq	*%rax
	movq	%rax, %rbx
	movabsq	$PyErr_WriteUnraisable, %rax
	movq	%rbx, %rdi
	callq	*%rax
	movabsq	$Py_DecRef, %rax
	movq	%rbx, %rdi
	callq	*%rax
	movabsq	$numba_gil_release, %rax
	leaq	220(%rsp), %rdi
	callq	*%rax
	movq	%r14, %rcx
	jmp	.LBB2_5
.LBB2_2:
	movabsq	$PyErr_Clear, %rax
	callq	*%rax
.Lfunc_end2:
	.size	cfunc._ZN8__main__3repB2v1B40c8tJTIeFIjxB2IKSgI4CrvQClQZ6FcpCShpgEU0AE5ArrayIfLi1E1C7mutable7alignedE5ArrayIfLi1E1C7mutable7alignedE5ArrayIfLi1E1C7mutable7alignedE5ArrayIfLi1E1C7mutable7alignedExx, .Lfunc_end2-cfunc._ZN8__main__3repB2v1B40c8tJTIeFIjxB2IKSgI4CrvQClQZ6FcpCShpgEU0AE5ArrayIfLi1E1C7mutable7alignedE5ArrayIfLi1E1C7mutable7alignedE5ArrayIfLi1E1C7mutable7alignedE5ArrayIfLi1E1C7mutable7alignedExx
	.cfi_endproc

	.weak	NRT_decref
	.p2align	4
	.type	NRT_decref,@function
NRT_decref:
	.cfi_startproc
	testq	%rdi, %rdi
	je	.LBB3_2
	#MEMBARRIER
	lock		decq	(%rdi)
	je	.LBB3_3
.LBB3_2:
	retq
.LBB3_3:
	movabsq	$NRT_MemInfo_call_dtor, %rax
	#MEMBARRIER
	jmpq	*%rax
.Lfunc_end3:
	.size	NRT_decref, .Lfunc_end3-NRT_decref
	.cfi_endproc

	.weak	NRT_incref
	.p2align	4
	.type	NRT_incref,@function
NRT_incref:
	testq	%rdi, %rdi
	je	.LBB4_2
	lock		incq	(%rdi)
.LBB4_2:
	retq
.Lfunc_end4:
	.size	NRT_incref, .Lfunc_end4-NRT_incref

	.type	.const.rep,@object
	.section	.lrodata,"al",@progbits
.const.rep:
	.asciz	"rep"
	.size	.const.rep, 4

	.type	_ZN08NumbaEnv8__main__3repB2v1B40c8tJTIeFIjxB2IKSgI4CrvQClQZ6FcpCShpgEU0AE5ArrayIfLi1E1C7mutable7alignedE5ArrayIfLi1E1C7mutable7alignedE5ArrayIfLi1E1C7mutable7alignedE5ArrayIfLi1E1C7mutable7alignedExx,@object
	.comm	_ZN08NumbaEnv8__main__3repB2v1B40c8tJTIeFIjxB2IKSgI4CrvQClQZ6FcpCShpgEU0AE5ArrayIfLi1E1C7mutable7alignedE5ArrayIfLi1E1C7mutable7alignedE5ArrayIfLi1E1C7mutable7alignedE5ArrayIfLi1E1C7mutable7alignedExx,8,8
	.type	".const.missing Environment: _ZN08NumbaEnv8__main__3repB2v1B40c8tJTIeFIjxB2IKSgI4CrvQClQZ6FcpCShpgEU0AE5ArrayIfLi1E1C7mutable7alignedE5ArrayIfLi1E1C7mutable7alignedE5ArrayIfLi1E1C7mutable7alignedE5ArrayIfLi1E1C7mutable7alignedExx",@object
	.p2align	4, 0x0
".const.missing Environment: _ZN08NumbaEnv8__main__3repB2v1B40c8tJTIeFIjxB2IKSgI4CrvQClQZ6FcpCShpgEU0AE5ArrayIfLi1E1C7mutable7alignedE5ArrayIfLi1E1C7mutable7alignedE5ArrayIfLi1E1C7mutable7alignedE5ArrayIfLi1E1C7mutable7alignedExx":
	.asciz	"missing Environment: _ZN08NumbaEnv8__main__3repB2v1B40c8tJTIeFIjxB2IKSgI4CrvQClQZ6FcpCShpgEU0AE5ArrayIfLi1E1C7mutable7alignedE5ArrayIfLi1E1C7mutable7alignedE5ArrayIfLi1E1C7mutable7alignedE5ArrayIfLi1E1C7mutable7alignedExx"
	.size	".const.missing Environment: _ZN08NumbaEnv8__main__3repB2v1B40c8tJTIeFIjxB2IKSgI4CrvQClQZ6FcpCShpgEU0AE5ArrayIfLi1E1C7mutable7alignedE5ArrayIfLi1E1C7mutable7alignedE5ArrayIfLi1E1C7mutable7alignedE5ArrayIfLi1E1C7mutable7alignedExx", 222

	.type	".const.can't unbox array from PyObject into native value.  The object maybe of a different type",@object
	.p2align	4, 0x0
".const.can't unbox array from PyObject into native value.  The object maybe of a different type":
	.asciz	"can't unbox array from PyObject into native value.  The object maybe of a different type"
	.size	".const.can't unbox array from PyObject into native value.  The object maybe of a different type", 89

	.type	".const.unknown error when calling native function",@object
	.p2align	4, 0x0
".const.unknown error when calling native function":
	.asciz	"unknown error when calling native function"
	.size	".const.unknown error when calling native function", 43

	.type	".const.unknown error when calling native function.2",@object
	.p2align	4, 0x0
".const.unknown error when calling native function.2":
	.asciz	"unknown error when calling native function"
	.size	".const.unknown error when calling native function.2", 43

	.type	".const.<numba.core.cpu.CPUContext>",@object
	.p2align	4, 0x0
".const.<numba.core.cpu.CPUContext>":
	.asciz	"<numba.core.cpu.CPUContext>"
	.size	".const.<numba.core.cpu.CPUContext>", 28

	.type	_ZN08NumbaEnv8__main__4upd4B2v2B40c8tJTIeFIjxB2IKSgI4CrvQClQZ6FcpCShpgEU0AE5ArrayIfLi1E1C7mutable7alignedE23Literal_5bint_5d_280_295ArrayIfLi1E1C7mutable7alignedEx5ArrayIfLi1E1C7mutable7alignedE5ArrayIfLi1E1C7mutable7alignedE23Literal_5bint_5d_280_29,@object
	.comm	_ZN08NumbaEnv8__main__4upd4B2v2B40c8tJTIeFIjxB2IKSgI4CrvQClQZ6FcpCShpgEU0AE5ArrayIfLi1E1C7mutable7alignedE23Literal_5bint_5d_280_295ArrayIfLi1E1C7mutable7alignedEx5ArrayIfLi1E1C7mutable7alignedE5ArrayIfLi1E1C7mutable7alignedE23Literal_5bint_5d_280_29,8,8
	.section	".note.GNU-stack","",@progbits
