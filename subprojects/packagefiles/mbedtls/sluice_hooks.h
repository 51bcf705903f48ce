/* Included before everything else in mbedTLS's TLS files and where it verifies chains: wherever they make or use a key they call Sluice's
 * hooks (lib/tls/engine_hooks.c), which let a handshake park until the operation has been computed among others of its
 * kind.
 *
 * This way was taken of three. The _ALT functions and PSA drivers each cover one of TLS 1.2 and 1.3 and carry numbers in
 * and out of bignums. The linker's --wrap must stand on every program's command line, and also catches calls that no
 * handshake makes. Renaming in the files that are meant costs nothing at run time and touches nothing else. */
#ifndef SLUICE_HOOKS_H
#define SLUICE_HOOKS_H

#include <mbedtls/build_info.h>
#ifndef SLUICE_HOOKS_PROTOTYPES
#define MBEDTLS_ALLOW_PRIVATE_ACCESS /* as these files say themselves, but only after this one */
#endif

#include <mbedtls/ecdh.h>
#include <mbedtls/pk.h>
#include <psa/crypto.h>

typedef int sl_hook_rng(void *, unsigned char *, size_t);

/* TLS 1.3: our half of a key agreement, and the agreement. */
psa_status_t sl_hook_generate_key(const psa_key_attributes_t *, mbedtls_svc_key_id_t *);
psa_status_t sl_hook_export_public_key(mbedtls_svc_key_id_t, uint8_t *, size_t, size_t *);
psa_status_t sl_hook_get_key_attributes(mbedtls_svc_key_id_t, psa_key_attributes_t *);
psa_status_t sl_hook_raw_key_agreement(psa_algorithm_t, mbedtls_svc_key_id_t, const uint8_t *, size_t, uint8_t *,
                                       size_t, size_t *);
psa_status_t sl_hook_destroy_key(mbedtls_svc_key_id_t);

/* TLS 1.2, server: the same. */
int sl_hook_ecdh_setup(mbedtls_ecdh_context *, mbedtls_ecp_group_id);
int sl_hook_ecdh_make_params(mbedtls_ecdh_context *, size_t *, unsigned char *, size_t, sl_hook_rng *, void *);
int sl_hook_ecdh_read_public(mbedtls_ecdh_context *, const unsigned char *, size_t);
int sl_hook_ecdh_calc_secret(mbedtls_ecdh_context *, size_t *, unsigned char *, size_t, sl_hook_rng *, void *);

/* Signatures: 1.2's, 1.3's. */
int sl_hook_pk_sign(mbedtls_pk_context *, mbedtls_md_type_t, const unsigned char *, size_t, unsigned char *, size_t,
                    size_t *, sl_hook_rng *, void *);
int sl_hook_pk_sign_ext(mbedtls_pk_type_t, mbedtls_pk_context *, mbedtls_md_type_t, const unsigned char *, size_t,
                        unsigned char *, size_t, size_t *, sl_hook_rng *, void *);

/* The peer's signatures: 1.2's, 1.3's, its certificates'. */
int sl_hook_pk_verify(mbedtls_pk_context *, mbedtls_md_type_t, const unsigned char *, size_t, const unsigned char *,
                      size_t);
int sl_hook_pk_verify_restartable(mbedtls_pk_context *, mbedtls_md_type_t, const unsigned char *, size_t,
                                  const unsigned char *, size_t, void *);
int sl_hook_pk_verify_ext(mbedtls_pk_type_t, const void *, mbedtls_pk_context *, mbedtls_md_type_t,
                          const unsigned char *, size_t, const unsigned char *, size_t);

#ifndef SLUICE_HOOKS_PROTOTYPES
#define psa_generate_key sl_hook_generate_key
#define psa_export_public_key sl_hook_export_public_key
#define psa_get_key_attributes sl_hook_get_key_attributes
#define psa_raw_key_agreement sl_hook_raw_key_agreement
#define psa_destroy_key sl_hook_destroy_key
#define mbedtls_ecdh_setup sl_hook_ecdh_setup
#define mbedtls_ecdh_make_params sl_hook_ecdh_make_params
#define mbedtls_ecdh_read_public sl_hook_ecdh_read_public
#define mbedtls_ecdh_calc_secret sl_hook_ecdh_calc_secret
#define mbedtls_pk_sign sl_hook_pk_sign
#define mbedtls_pk_sign_ext sl_hook_pk_sign_ext
#define mbedtls_pk_verify sl_hook_pk_verify
#define mbedtls_pk_verify_restartable sl_hook_pk_verify_restartable
#define mbedtls_pk_verify_ext sl_hook_pk_verify_ext
#endif

#endif
