# ./run test real platforms [PLATFORM]: the views of examples/ over tables with 300,000 messages, the platform's own
# indexes and none of ours: everything is exported, right, in at most three times a COPY through the same views.
# Prints a line for each platform. PLATFORM_MESSAGES: another number of them. Sourced by tools/real.sh.

run_real_platforms() {
    PLATFORM=${1:-} real_test test_platforms.py
}
