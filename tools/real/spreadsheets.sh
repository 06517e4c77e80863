# ./run test real spreadsheets: LibreOffice opens exports, workbooks and CSV in every form, and has every cell as the
# source has it. Installs Debian's libreoffice-calc-nogui (some 200 MB); half a minute. Sourced by tools/real.sh.

run_real_spreadsheets() {
    real_test test_spreadsheets.py libreoffice-calc-nogui
}
