/* Credentials that run out and a metadata service that hangs or refuses: who waits, who asks, and
 * how often.
 *
 * The service is a thread of this program behind a real socket. Nothing here measures time: a
 * caller that waited where it may not would wait for ever, since the service is let go only after
 * its answer.
 */
#include "verbatim/s3_credentials.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

struct service {
    int listener;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    /* Under the lock. */
    bool hold, waiting, ending;
    unsigned asked;
    int status;      /* of the answers */
    int64_t seconds; /* that the keys live */
};

/* Keys that carry the number of the request, so that a test sees which answer it got. */
static void answer(struct service *service, int peer)
{
    char head[2048], expires[32], text[1024];
    ssize_t got = recv(peer, head, sizeof head, 0);
    pthread_mutex_lock(&service->lock);
    service->asked++;
    service->waiting = true;
    pthread_cond_broadcast(&service->changed);
    while (service->hold && !service->ending)
        pthread_cond_wait(&service->changed, &service->lock);
    service->waiting = false;
    time_t end = (time_t)(vb_clock_now() / VB_SECOND + service->seconds);
    struct tm parts;
    strftime(expires, sizeof expires, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&end, &parts));
    char body[512];
    int length =
        snprintf(body, sizeof body,
                 "{\"AccessKeyId\": \"KEY%u\", \"SecretAccessKey\": \"s\", \"Token\": \"t\","
                 " \"Expiration\": \"%s\"}",
                 service->asked, expires);
    int size = snprintf(text, sizeof text,
                        "HTTP/1.1 %d X\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s",
                        service->status, length, body);
    pthread_mutex_unlock(&service->lock);
    if (got > 0)
        (void)!send(peer, text, (size_t)size, MSG_NOSIGNAL);
}

static void *serve(void *context)
{
    struct service *service = context;
    for (int peer; (peer = accept(service->listener, NULL, NULL)) >= 0;) {
        answer(service, peer);
        close(peer);
    }
    return NULL;
}

static void start(struct service *service)
{
    char url[64];
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    *service = (struct service){.status = 200, .seconds = 3600};
    pthread_mutex_init(&service->lock, NULL);
    pthread_cond_init(&service->changed, NULL);
    service->listener = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(service->listener, (struct sockaddr *)&address, size), 0);
    assert_int_equal(listen(service->listener, 64), 0);
    assert_int_equal(getsockname(service->listener, (struct sockaddr *)&address, &size), 0);
    snprintf(url, sizeof url, "http://127.0.0.1:%d/", ntohs(address.sin_port));
    setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", url, 1);
    assert_int_equal(pthread_create(&service->thread, NULL, serve, service), 0);
}

static void set(struct service *service, bool hold, int status, int64_t seconds)
{
    pthread_mutex_lock(&service->lock);
    service->hold = hold;
    service->status = status;
    service->seconds = seconds;
    pthread_cond_broadcast(&service->changed);
    pthread_mutex_unlock(&service->lock);
}

static void wait_for_question(struct service *service)
{
    pthread_mutex_lock(&service->lock);
    while (!service->waiting)
        pthread_cond_wait(&service->changed, &service->lock);
    pthread_mutex_unlock(&service->lock);
}

static unsigned asked(struct service *service)
{
    pthread_mutex_lock(&service->lock);
    unsigned times = service->asked;
    pthread_mutex_unlock(&service->lock);
    return times;
}

static void end(struct service *service)
{
    pthread_mutex_lock(&service->lock);
    service->ending = true;
    pthread_cond_broadcast(&service->changed);
    pthread_mutex_unlock(&service->lock);
    shutdown(service->listener, SHUT_RDWR);
    pthread_join(service->thread, NULL);
    close(service->listener);
    pthread_cond_destroy(&service->changed);
    pthread_mutex_destroy(&service->lock);
}

static struct vb_s3_credentials *make(void)
{
    struct vb_s3_credentials *credentials;
    assert_int_equal(vb_s3_credentials_new("us-east-1", &credentials, NULL), VB_OK);
    return credentials;
}

static void *get(void *context)
{
    struct vb_s3_keys keys;
    struct vb_error err;
    enum vb_status status = vb_s3_credentials_get(context, &keys, &err);
    return (void *)(uintptr_t)status;
}

static void *keep(void *context)
{
    return (void *)(uintptr_t)vb_s3_credentials_keep(context);
}

static void expect_key(struct vb_s3_credentials *credentials, const char *wanted)
{
    struct vb_s3_keys keys;
    assert_int_equal(vb_s3_credentials_peek(credentials, &keys, NULL), VB_OK);
    assert_string_equal(keys.access_key_id, wanted);
}

static void expect_none(struct vb_s3_credentials *credentials)
{
    struct vb_s3_keys keys;
    struct vb_error err;
    assert_int_equal(vb_s3_credentials_peek(credentials, &keys, &err), VB_EXPIRED);
    assert_true(vb_status_retryable(err.status));
}

/* Without keys, with good ones, and with ones that the store refuses: a peek never asks. */
static void a_peek_asks_nobody(void **state)
{
    struct service service;
    struct vb_s3_credentials *credentials;
    (void)state;
    start(&service);
    credentials = make();
    expect_none(credentials);
    assert_int_equal(asked(&service), 0);
    struct vb_s3_keys keys;
    assert_int_equal(vb_s3_credentials_get(credentials, &keys, NULL), VB_OK);
    expect_key(credentials, "KEY1");
    vb_s3_credentials_expired(credentials, &keys);
    expect_none(credentials);
    assert_int_equal(asked(&service), 1);
    vb_s3_credentials_free(credentials);
    end(&service);
}

/* Both ways: old keys that still serve are given out, refused ones are not. */
static void a_peek_never_waits_for_a_fetch(void **state)
{
    struct service service;
    struct vb_s3_credentials *credentials;
    struct vb_s3_keys keys;
    pthread_t thread;
    void *result;
    (void)state;
    start(&service);
    credentials = make();
    set(&service, false, 200, 600);
    assert_int_equal(vb_s3_credentials_get(credentials, &keys, NULL), VB_OK);
    set(&service, true, 200, 3600);
    assert_int_equal(pthread_create(&thread, NULL, keep, credentials), 0);
    wait_for_question(&service);
    for (int i = 0; i < 100; i++)
        expect_key(credentials, "KEY1");
    vb_s3_credentials_expired(credentials, &keys);
    for (int i = 0; i < 100; i++)
        expect_none(credentials);
    set(&service, false, 200, 3600);
    assert_int_equal(pthread_join(thread, &result), 0);
    assert_int_equal((uintptr_t)result, 60 * VB_SECOND);
    expect_key(credentials, "KEY2");
    assert_int_equal(asked(&service), 2);
    vb_s3_credentials_free(credentials);
    end(&service);
}

/* Many callers while the keys are gone and the service refuses: one question. */
static void a_failure_is_remembered(void **state)
{
    struct service service;
    struct vb_s3_credentials *credentials;
    struct vb_s3_keys keys;
    struct vb_error err;
    (void)state;
    start(&service);
    credentials = make();
    assert_int_equal(vb_s3_credentials_get(credentials, &keys, NULL), VB_OK);
    vb_s3_credentials_expired(credentials, &keys);
    set(&service, false, 403, 3600);
    for (int i = 0; i < 200; i++) {
        assert_int_equal(vb_s3_credentials_get(credentials, &keys, &err), VB_DENIED);
        assert_non_null(strstr(err.text, "container"));
    }
    int64_t pause = vb_s3_credentials_keep(credentials);
    assert_in_range(pause, VB_SECOND, 60 * VB_SECOND);
    assert_int_equal(asked(&service), 2);
    set(&service, false, 200, 3600);
    while (vb_s3_credentials_keep(credentials) <
           60 * VB_SECOND) /* at most the first pause, 2.5 s */
        vb_clock_sleep(VB_SECOND / 10);
    expect_key(credentials, "KEY3");
    vb_s3_credentials_free(credentials);
    end(&service);
}

/* Keys that are near their end when they come are used, and asked for again in a while only. */
static void short_lived_keys_are_no_storm(void **state)
{
    struct service service;
    struct vb_s3_credentials *credentials;
    struct vb_s3_keys keys;
    (void)state;
    start(&service);
    credentials = make();
    set(&service, false, 200, 600);
    for (int i = 0; i < 200; i++)
        assert_int_equal(vb_s3_credentials_get(credentials, &keys, NULL), VB_OK);
    assert_int_equal(asked(&service), 2);
    set(&service, false, 200, 30);
    vb_s3_credentials_expired(credentials, &keys);
    assert_int_equal(vb_s3_credentials_get(credentials, &keys, NULL), VB_EXPIRED);
    expect_none(credentials);
    vb_s3_credentials_free(credentials);
    end(&service);
}

/* A metadata service that is silent for a moment is no place without keys. */
static void a_place_that_gave_keys_may_be_silent(void **state)
{
    struct service service;
    struct vb_s3_credentials *credentials = make();
    struct vb_s3_keys keys;
    struct vb_error err;
    (void)state;
    unsetenv("AWS_CONTAINER_CREDENTIALS_FULL_URI");
    assert_int_equal(vb_s3_credentials_get(credentials, &keys, &err), VB_DENIED);
    assert_non_null(strstr(err.text, "AWS_ACCESS_KEY_ID"));
    vb_s3_credentials_free(credentials);
    start(&service);
    credentials = make();
    assert_int_equal(vb_s3_credentials_get(credentials, &keys, NULL), VB_OK);
    vb_s3_credentials_expired(credentials, &keys);
    unsetenv("AWS_CONTAINER_CREDENTIALS_FULL_URI");
    assert_int_equal(vb_s3_credentials_get(credentials, &keys, &err), VB_EXPIRED);
    assert_non_null(strstr(err.text, "AWS_ACCESS_KEY_ID"));
    vb_s3_credentials_free(credentials);
    end(&service);
}

/* One fetches, one waits for its outcome: both are let go although the service never answers. */
static void a_stop_ends_a_fetch(void **state)
{
    struct service service;
    struct vb_s3_credentials *credentials;
    pthread_t threads[2];
    void *result;
    (void)state;
    start(&service);
    credentials = make();
    set(&service, true, 200, 3600);
    for (size_t i = 0; i < COUNT(threads); i++)
        assert_int_equal(pthread_create(&threads[i], NULL, get, credentials), 0);
    wait_for_question(&service);
    vb_s3_credentials_stop(credentials);
    for (size_t i = 0; i < COUNT(threads); i++) {
        assert_int_equal(pthread_join(threads[i], &result), 0);
        assert_int_equal((uintptr_t)result, VB_STOPPED);
    }
    assert_int_equal(asked(&service), 1);
    vb_s3_credentials_free(credentials);
    end(&service);
}

struct crowd {
    struct vb_s3_credentials *credentials;
    atomic_bool ending;
    atomic_uint good; /* peeks that brought keys */
};

static void *peek_often(void *context)
{
    struct crowd *crowd = context;
    struct vb_s3_keys keys;
    while (!atomic_load(&crowd->ending))
        if (vb_s3_credentials_peek(crowd->credentials, &keys, NULL) == VB_OK)
            atomic_fetch_add(&crowd->good, strncmp(keys.access_key_id, "KEY", 3) == 0);
    return NULL;
}

/* Peeks while keys are refused and renewed all the time; the thread sanitizer watches. */
static void threads_meet(void **state)
{
    struct service service;
    struct crowd crowd = {.credentials = make()};
    struct vb_s3_keys keys;
    pthread_t threads[2];
    (void)state;
    start(&service);
    for (size_t i = 0; i < COUNT(threads); i++)
        assert_int_equal(pthread_create(&threads[i], NULL, peek_often, &crowd), 0);
    for (int i = 0; i < 50; i++) {
        (void)vb_s3_credentials_keep(crowd.credentials);
        assert_int_equal(vb_s3_credentials_get(crowd.credentials, &keys, NULL), VB_OK);
        vb_s3_credentials_expired(crowd.credentials, &keys);
    }
    assert_int_equal(vb_s3_credentials_get(crowd.credentials, &keys, NULL), VB_OK);
    while (atomic_load(&crowd.good) == 0)
        vb_clock_sleep(VB_SECOND / 100);
    atomic_store(&crowd.ending, true);
    for (size_t i = 0; i < COUNT(threads); i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    vb_s3_credentials_free(crowd.credentials);
    end(&service);
}

/* Only the container's place is left of the surroundings. */
static void hide_other_places(void)
{
    static const char *const names[] = {
        "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_WEB_IDENTITY_TOKEN_FILE",
        "AWS_PROFILE",       "AWS_ROLE_ARN",          "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"};
    for (size_t i = 0; i < COUNT(names); i++)
        unsetenv(names[i]);
    setenv("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent", 1);
    setenv("AWS_EC2_METADATA_DISABLED", "true", 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_peek_asks_nobody),
        cmocka_unit_test(a_peek_never_waits_for_a_fetch),
        cmocka_unit_test(a_failure_is_remembered),
        cmocka_unit_test(short_lived_keys_are_no_storm),
        cmocka_unit_test(a_stop_ends_a_fetch),
        cmocka_unit_test(threads_meet),
        cmocka_unit_test(a_place_that_gave_keys_may_be_silent),
    };
    hide_other_places();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
