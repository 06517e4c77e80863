# Compiler and linker flags, all in one interface target. -Werror comes from VB_WERROR (CI only).
add_library(vb_flags INTERFACE)
target_include_directories(vb_flags INTERFACE
    ${PROJECT_SOURCE_DIR}/include ${PROJECT_SOURCE_DIR}/export ${PROJECT_SOURCE_DIR}/service)
target_compile_definitions(vb_flags INTERFACE _GNU_SOURCE)
target_compile_options(vb_flags INTERFACE
    -Wall                   # the usual suspects
    -Wextra                 # unused parameters, missing initialisers, comparison of signs
    -Wconversion            # a value that may change when narrowed
    -Wsign-conversion       # a negative number that turns into a huge size
    -Wshadow                # a local that hides another
    -Wvla                   # arrays whose size comes from outside land on the stack
    -Wformat=2              # formats that are not literals, or that do not fit
    -Wstrict-prototypes     # f() that takes anything
    -Wmissing-prototypes    # a function that should be static, or whose header was forgotten
    -Wpointer-arith         # sizes of void
    -Wcast-qual             # const cast away
    -Wwrite-strings         # literals that someone might write to
    -Wundef                 # a misspelt macro in #if reads as 0
    -Wswitch-enum           # an enum value a switch forgot
    -Wimplicit-fallthrough  # a case that runs into the next
    -Wnull-dereference      # a path on which a pointer is known to be NULL
    -Wdouble-promotion      # float silently computed as double
    -fstack-protector-strong
    -fno-common             # one definition of a variable, or the link fails
)
if(CMAKE_C_COMPILER_ID STREQUAL "GNU")
    target_compile_options(vb_flags INTERFACE
        -Wlogical-op        # the same operand twice in && or ||
        -Wduplicated-cond   # if / else if with the same condition
        -Wduplicated-branches
        -Wno-missing-field-initializers # {.a = 1} zeroes the rest on purpose
    )
else()
    target_compile_options(vb_flags INTERFACE -Wno-missing-field-initializers)
endif()
if(VB_WERROR)
    target_compile_options(vb_flags INTERFACE -Werror)
endif()
# Fortify needs optimisation and fights with the sanitizers' own interceptors.
if(NOT VB_SANITIZE AND NOT CMAKE_BUILD_TYPE STREQUAL "Debug")
    target_compile_options(vb_flags INTERFACE -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2)
endif()
if(VB_SANITIZE)
    target_compile_options(vb_flags INTERFACE -fsanitize=${VB_SANITIZE} -fno-omit-frame-pointer
        -fno-sanitize-recover=all)
    target_link_options(vb_flags INTERFACE -fsanitize=${VB_SANITIZE})
endif()
target_link_options(vb_flags INTERFACE
    -Wl,-z,relro,-z,now     # the relocation table is read-only before main
    -Wl,-z,noexecstack
)
