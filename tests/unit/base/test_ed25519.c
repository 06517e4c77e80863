/* Ed25519 by the vectors of RFC 8032, its public keys as openssl(1) has them, and the digest of
 * what comes in pieces. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "verbatim/manifest.h"

/* RFC 8032, 7.1, tests 1 and 3. */
static const struct {
    const char *private_key, *public_key, *message, *signature;
} vectors[] = {
    {"9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
     "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
     "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b"
     "4"
     "6bd25bf5f0595bbe24655141438e7a100b"},
    {"c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
     "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025", "af82",
     "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc"
     "6"
     "594a7c15e9716ed28dc027beceea1ec40a"},
};

static void take(const char *hex, void *bytes, size_t length)
{
    assert_int_equal(vb_hex_decode(vb_view_of(hex), bytes, length), VB_OK);
}

static void signatures_are_those_of_the_rfc(void **unused)
{
    (void)unused;
    for (size_t i = 0; i < 2; i++) {
        unsigned char private_key[32], expected[32], key[32], signature[64], made[64], text[2];
        size_t length = strlen(vectors[i].message) / 2;
        take(vectors[i].private_key, private_key, 32);
        take(vectors[i].public_key, expected, 32);
        take(vectors[i].signature, signature, 64);
        take(vectors[i].message, text, length);
        struct vb_view message = {(const char *)text, length};
        assert_int_equal(vb_ed25519_public(private_key, key, NULL), VB_OK);
        assert_memory_equal(key, expected, 32);
        assert_int_equal(vb_ed25519_sign(private_key, message, made, NULL), VB_OK);
        assert_memory_equal(made, signature, 64);
        assert_true(vb_ed25519_is_signed(key, message, signature));
        for (size_t k = 0; k < 64; k++) {
            signature[k] ^= 1;
            assert_false(vb_ed25519_is_signed(key, message, signature));
            signature[k] ^= 1;
        }
        assert_false(vb_ed25519_is_signed(key, VB_VIEW("other"), signature));
        key[0] ^= 1;
        assert_false(vb_ed25519_is_signed(key, message, signature));
    }
}

static void public_keys_come_back_from_their_text(void **unused)
{
    (void)unused;
    unsigned char private_key[32], key[32], back[32];
    char id[VB_ED25519_ID], other[VB_ED25519_ID];
    struct vb_buffer text;
    struct vb_error err = {0};
    vb_buffer_init(&text, 4096);
    vb_ed25519_make(private_key);
    assert_int_equal(vb_ed25519_public(private_key, key, NULL), VB_OK);
    assert_int_equal(vb_ed25519_write(&text, key, NULL), VB_OK);
    assert_memory_equal(text.data, "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEA", 43);
    assert_int_equal(vb_ed25519_read((struct vb_view){text.data, text.length}, back, NULL), VB_OK);
    assert_memory_equal(back, key, 32);
    vb_ed25519_id(key, id);
    vb_ed25519_id(private_key, other);
    assert_int_equal(strlen(id), 16);
    assert_string_not_equal(id, other);
    static const char *const others[] = {
        "", "no key", "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEA\n-----END PUBLIC KEY-----\n",
        /* X25519, which looks alike */
        "-----BEGIN PUBLIC KEY-----\n"
        "MCowBQYDK2VuAyEAhSDwCYkwp1R0i33ctD73Wg2/Og0mOBr066SpjqqbTmo=\n"
        "-----END PUBLIC KEY-----\n"};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        assert_int_equal(vb_ed25519_read(vb_view_of(others[i]), back, &err), VB_INVALID);
        assert_non_null(strstr(err.text, "no public key of Ed25519"));
    }
    vb_buffer_done(&text);
}

static void digests_of_pieces_are_those_of_the_whole(void **unused)
{
    (void)unused;
    char text[1000];
    unsigned char whole[VB_SHA256], pieces[VB_SHA256];
    struct vb_digest *digest = NULL;
    memset(text, 'v', sizeof text);
    assert_int_equal(vb_digest_new(&digest, NULL), VB_OK);
    for (size_t step = 1; step <= sizeof text; step += 111) {
        vb_digest_begin(digest);
        for (size_t done = 0; done < sizeof text; done += step)
            vb_digest_add(digest, text + done,
                          sizeof text - done < step ? sizeof text - done : step);
        vb_digest_end(digest, pieces);
        vb_sha256(text, sizeof text, whole);
        assert_memory_equal(pieces, whole, sizeof whole);
    }
    vb_digest_free(digest);
    vb_digest_free(NULL);
}

static void manifests_are_lines(void **unused)
{
    (void)unused;
    unsigned char sha256[VB_SHA256];
    char digest[VB_MANIFEST_DIGEST_TEXT];
    struct vb_buffer out;
    vb_buffer_init(&out, 4096);
    vb_sha256("abc", 3, sha256);
    assert_int_equal(vb_manifest_line(&out, VB_VIEW("a \"b\".csv"), 3, sha256), VB_OK);
    assert_string_equal(out.data, "{\"name\":\"a \\\"b\\\".csv\",\"size\":3,\"sha256\":\""
                                  "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
                                  "\"}");
    vb_buffer_reset(&out);
    assert_int_equal(vb_manifest_line(&out, VB_VIEW("\xFF"), 3, sha256), VB_INVALID);
    assert_int_equal(out.length, 0);
    const struct vb_manifest_counts counts = {2, UINT64_C(5000000000), 3, 4};
    assert_int_equal(vb_manifest_tail(&out, &counts, "0123456789abcdef"), VB_OK);
    assert_string_equal(out.data, "\n],\"counts\":{\"entries\":2,\"bytes\":5000000000,"
                                  "\"conversations\":3,\"messages\":4},"
                                  "\"key\":\"0123456789abcdef\"}\n");
    vb_manifest_digest(sha256, digest);
    assert_string_equal(digest, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
                                "  manifest.json\n");
    assert_true(vb_manifest_is_own(VB_VIEW("manifest.sig")));
    assert_false(vb_manifest_is_own(VB_VIEW("manifest.csv")));
    vb_buffer_done(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(signatures_are_those_of_the_rfc),
        cmocka_unit_test(public_keys_come_back_from_their_text),
        cmocka_unit_test(digests_of_pieces_are_those_of_the_whole),
        cmocka_unit_test(manifests_are_lines),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
