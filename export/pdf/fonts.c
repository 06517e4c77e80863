/* See fonts.h.
 *
 * fontconfig reads its own caches of the directory (Debian's packages leave them up to date), so
 * that some two hundred fonts cost less than a millisecond and no memory. Pictures, which is what
 * emoji are, come in one size; the rule at the end has them scaled to the text's.
 */
#include "fonts.h"

#include "verbatim/buffer.h"

#include <fontconfig/fontconfig.h>
#include <pango/pangofc-font.h>
#include <pango/pangofc-fontmap.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

/* Common scripts first: fonts of rare ones have commas and full stops of their own. Whatever has no
 * letter here is looked for in all other fonts of the directory. */
const char vb_pdf_families[] =
    "Noto Sans,Noto Sans Arabic,Noto Sans Hebrew,Noto Sans Devanagari,WenQuanYi Micro Hei,"
    "Noto Sans Thai,Noto Sans Bengali,Noto Sans Tamil,Noto Sans Symbols,Noto Sans Symbols2,"
    "Noto Color Emoji";

/* Without these a document would have boxes instead of letters. */
static const struct {
    const char *family, *package;
} needed[] = {
    {"Noto Sans", "fonts-noto-core"},
    {"Noto Sans Arabic", "fonts-noto-core"},
    {"Noto Sans Hebrew", "fonts-noto-core"},
    {"Noto Sans Devanagari", "fonts-noto-core"},
    {"WenQuanYi Micro Hei", "fonts-wqy-microhei"},
    {"Noto Color Emoji", "fonts-noto-color-emoji"},
};

/* Only upright fonts without serifs, of the two weights that are used. `emoji` is what Pango asks
 * for where a character is meant as a picture. */
static const char rules_head[] = "<fontconfig>";
static const char rules_tail[] =
    "<cachedir>/var/cache/fontconfig</cachedir><selectfont>"
    "<acceptfont><glob>*/NotoSans*-Regular.ttf</glob><glob>*/NotoSans*-Bold.ttf</glob>"
    "<glob>*/NotoColorEmoji.ttf</glob><glob>*/wqy-microhei.ttc</glob></acceptfont>"
    "<rejectfont><glob>*</glob></rejectfont></selectfont>"
    "<alias binding=\"same\"><family>emoji</family>"
    "<prefer><family>Noto Color Emoji</family></prefer></alias>"
    "<match target=\"font\"><test name=\"outline\"><bool>false</bool></test>"
    "<edit name=\"pixelsizefixupfactor\" mode=\"assign\"><divide>"
    "<name target=\"pattern\">pixelsize</name><name target=\"font\">pixelsize</name>"
    "</divide></edit>"
    "<edit name=\"matrix\" mode=\"assign\"><times><name>matrix</name><matrix>"
    "<name>pixelsizefixupfactor</name><double>0</double>"
    "<double>0</double><name>pixelsizefixupfactor</name></matrix></times></edit>"
    "<edit name=\"size\" mode=\"assign\"><divide>"
    "<name>size</name><name>pixelsizefixupfactor</name></divide></edit>"
    "</match></fontconfig>";

#ifdef __SANITIZE_ADDRESS__
/* fontconfig 2.14 loses 288 bytes once, however many presses there are. */
const char *__lsan_default_suppressions(void); // NOLINT(bugprone-reserved-identifier)
const char *__lsan_default_suppressions(void)  // NOLINT(bugprone-reserved-identifier)
{
    return "leak:libfontconfig.so";
}
#endif

/* Guarded by the mutex; kept until the process ends. */
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static FcConfig *kept;
static char *kept_directory;

static bool has_family(const FcFontSet *fonts, const char *family)
{
    FcChar8 *name;
    for (int i = 0; fonts && i < fonts->nfont; i++)
        for (int n = 0; FcPatternGetString(fonts->fonts[i], FC_FAMILY, n, &name) == FcResultMatch;
             n++)
            if (strcmp((const char *)name, family) == 0)
                return true;
    return false;
}

static enum vb_status check(FcConfig *config, const char *directory, struct vb_error *err)
{
    const FcFontSet *fonts = FcConfigGetFonts(config, FcSetSystem);
    for (size_t i = 0; i < sizeof needed / sizeof *needed; i++)
        if (!has_family(fonts, needed[i].family))
            return vb_fail(err, VB_INVALID,
                           "PDF needs the font \"%s\", which is not under %s: install the Debian "
                           "package %s",
                           needed[i].family, directory, needed[i].package);
    return VB_OK;
}

/* The directory's name is the operator's and goes into XML. Folders are named one by one, for what
 * is not accepted is not gone into: those of Debian's packages, and the directory itself. */
static enum vb_status read_rules(FcConfig *config, const char *directory)
{
    struct vb_buffer rules;
    vb_buffer_init(&rules, 64u * 1024u);
    char *escaped = g_markup_escape_text(directory, -1);
    enum vb_status status = vb_buffer_printf(
        &rules, "%s<dir>%s</dir><dir>%s/truetype/noto</dir><dir>%s/truetype/wqy</dir>", rules_head,
        escaped, escaped, escaped);
    if (status == VB_OK)
        status = vb_buffer_append_text(&rules, rules_tail);
    if (status == VB_OK &&
        (!FcConfigParseAndLoadFromMemory(config, (const FcChar8 *)rules.data, FcTrue) ||
         !FcConfigBuildFonts(config)))
        status = VB_NO_MEMORY;
    g_free(escaped);
    vb_buffer_done(&rules);
    return status;
}

/* With the mutex. */
static enum vb_status read_fonts(const char *directory, struct vb_error *err)
{
    FcConfig *config = FcConfigCreate();
    char *name = strdup(directory);
    enum vb_status status = config && name ? read_rules(config, directory) : VB_NO_MEMORY;
    if (status != VB_OK)
        (void)vb_fail(err, status, "no memory for the list of fonts");
    else
        status = check(config, directory, err);
    if (status == VB_OK) {
        if (kept)
            FcConfigDestroy(kept);
        free(kept_directory);
        kept = config;
        kept_directory = name;
        /* Else threads of Pango's read what the system has configured, for nothing. */
        (void)FcConfigSetCurrent(kept);
        return VB_OK;
    }
    if (config)
        FcConfigDestroy(config);
    free(name);
    return status;
}

/* Font maps have a reference of their own. */
enum vb_status vb_pdf_font_map(const char *directory, PangoFontMap **ret_map, struct vb_error *err)
{
    enum vb_status status = VB_OK;
    pthread_mutex_lock(&mutex);
    if (!kept || strcmp(kept_directory, directory) != 0)
        status = read_fonts(directory, err);
    if (status == VB_OK) {
        PangoFontMap *map = pango_cairo_font_map_new_for_font_type(CAIRO_FONT_TYPE_FT);
        pango_fc_font_map_set_config(PANGO_FC_FONT_MAP(map), kept);
        *ret_map = map;
    }
    pthread_mutex_unlock(&mutex);
    return status;
}

bool vb_pdf_font_has_pictures(PangoFont *font)
{
    FcBool outline = FcTrue;
    FcPattern *pattern =
        PANGO_IS_FC_FONT(font) ? pango_fc_font_get_pattern(PANGO_FC_FONT(font)) : NULL;
    return pattern && FcPatternGetBool(pattern, FC_OUTLINE, 0, &outline) == FcResultMatch &&
           !outline;
}
