# ./run test real standby: an export from a streaming standby under vacuum, whose replay ends statements in its way.
# Nothing is fetched; half a minute. Sourced by tools/real.sh.

run_real_standby() {
    real_test test_standby.py
}
