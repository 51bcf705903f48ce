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

#include <mbedtls/cipher.h>
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

/* TLS 1.3's key schedule: HKDF and HMAC without PSA's operations, each of which would allocate half a dozen times. The
 * inputs are pointers that live until the output was taken, as they do in ssl_tls13_keys.c. */
struct sl_hook_hkdf {
    psa_algorithm_t alg; /* PSA_ALG_HKDF_EXTRACT or _EXPAND; 0: unused */
    const uint8_t *salt, *secret, *info;
    size_t salt_len, secret_len, info_len;
};
psa_status_t sl_hook_hkdf_setup(struct sl_hook_hkdf *, psa_algorithm_t);
psa_status_t sl_hook_hkdf_input(struct sl_hook_hkdf *, psa_key_derivation_step_t, const uint8_t *, size_t);
psa_status_t sl_hook_hkdf_output(struct sl_hook_hkdf *, uint8_t *, size_t);
psa_status_t sl_hook_hkdf_abort(struct sl_hook_hkdf *);

/* The ciphers of the handshake's own records. */
int sl_hook_cipher_setup(mbedtls_cipher_context_t *, const mbedtls_cipher_info_t *);
int sl_hook_cipher_setkey(mbedtls_cipher_context_t *, const unsigned char *, int, mbedtls_operation_t);
void sl_hook_cipher_free(mbedtls_cipher_context_t *);
int sl_hook_cipher_auth_encrypt_ext(mbedtls_cipher_context_t *, const unsigned char *, size_t, const unsigned char *,
                                    size_t, const unsigned char *, size_t, unsigned char *, size_t, size_t *, size_t);
int sl_hook_cipher_auth_decrypt_ext(mbedtls_cipher_context_t *, const unsigned char *, size_t, const unsigned char *,
                                    size_t, const unsigned char *, size_t, unsigned char *, size_t, size_t *, size_t);

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
#define psa_key_derivation_operation_t struct sl_hook_hkdf
#undef PSA_KEY_DERIVATION_OPERATION_INIT
#define PSA_KEY_DERIVATION_OPERATION_INIT                                                                              \
    {                                                                                                                  \
        0                                                                                                              \
    }
#define psa_key_derivation_setup sl_hook_hkdf_setup
#define psa_key_derivation_input_bytes sl_hook_hkdf_input
#define psa_key_derivation_output_bytes sl_hook_hkdf_output
#define psa_key_derivation_abort sl_hook_hkdf_abort
#define mbedtls_cipher_setup sl_hook_cipher_setup
#define mbedtls_cipher_setkey sl_hook_cipher_setkey
#define mbedtls_cipher_free sl_hook_cipher_free
#define mbedtls_cipher_auth_encrypt_ext sl_hook_cipher_auth_encrypt_ext
#define mbedtls_cipher_auth_decrypt_ext sl_hook_cipher_auth_decrypt_ext
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
