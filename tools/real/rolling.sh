# ./run test real rolling: processes are replaced behind nginx, Caddy and HAProxy under load; no request may fail.
# Sourced by tools/real.sh. ROLLING_RESTARTS and ROLLING_RATE as in tests/real/test_rolling.py; without them it takes
# about ten minutes.

run_real_rolling() {
    real_test test_rolling.py nginx haproxy caddy
}
