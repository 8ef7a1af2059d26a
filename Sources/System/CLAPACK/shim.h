// The types of the routines of BLAS and LAPACK that the toolkit calls; the routines themselves are looked up at run time
// by their Fortran names, which every implementation has (OpenBLAS, the reference one, Accelerate). Matrices are
// column-major, integers 32 bits, and every argument is passed by address. The lengths of text arguments, which Fortran
// compilers pass after the rest, are given too; implementations in C ignore them.
#ifndef UD2M_CLAPACK_H
#define UD2M_CLAPACK_H

#include <stddef.h>

typedef void (*ud2m_dgemm)(
    const char *transa, const char *transb, const int *m, const int *n, const int *k, const double *alpha,
    const double *a, const int *lda, const double *b, const int *ldb, const double *beta, double *c, const int *ldc,
    size_t transa_length, size_t transb_length);

typedef void (*ud2m_dsyrk)(
    const char *uplo, const char *trans, const int *n, const int *k, const double *alpha, const double *a,
    const int *lda, const double *beta, double *c, const int *ldc, size_t uplo_length, size_t trans_length);

typedef void (*ud2m_dsyevd)(
    const char *jobz, const char *uplo, const int *n, double *a, const int *lda, double *w, double *work,
    const int *lwork, int *iwork, const int *liwork, int *info, size_t jobz_length, size_t uplo_length);

typedef void (*ud2m_dgesdd)(
    const char *jobz, const int *m, const int *n, double *a, const int *lda, double *s, double *u, const int *ldu,
    double *vt, const int *ldvt, double *work, const int *lwork, int *iwork, int *info, size_t jobz_length);

typedef void (*ud2m_dgeqrf)(
    const int *m, const int *n, double *a, const int *lda, double *tau, double *work, const int *lwork, int *info);

typedef void (*ud2m_dormqr)(
    const char *side, const char *trans, const int *m, const int *n, const int *k, const double *a, const int *lda,
    const double *tau, double *c, const int *ldc, double *work, const int *lwork, int *info, size_t side_length,
    size_t trans_length);

#endif
