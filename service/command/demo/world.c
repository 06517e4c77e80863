/* Who talks in the demo data, where, and what is said: see command/demo/world.h.
 *
 * The texts are this project's own; numbers, domains and addresses are those that are kept for
 * examples (555-01xx, example.com). Order and count of each table are part of what a seed gives:
 * rows are appended at the end or change everything. Phrases of one place in the three lists answer
 * each other more or less.
 */
#include "world.h"

#include "data.h"

#define COUNT(table) (sizeof(table) / sizeof(table)[0])

/* Number in the id is the place in this table, from 01. The first and the fifth share their
 * number. */
const struct vb_demo_channel vb_demo_channels[] = {
    {"SMS Support", "LOCAL", VB_DEMO_PHONE},
    {"Order Desk", "SMS", "+12025550124"},
    {"Toll-free Line", "TOLL_FREE", "+18005550125"},
    {"Alerts 24/7", "SHORT_CODE", "+112233"},
    {"WhatsApp Support", "WHATSAPP_BUSINESS_PLATFORM", VB_DEMO_PHONE},
    {"WhatsApp México", "WHATSAPP", "+525555550126"},
    {"Facebook: Sales/Returns", "FACEBOOK_MESSENGER", NULL},
    {"Messenger", "MESSENGER", NULL},
    {"Instagram ✨", "INSTAGRAM", NULL},
    {"LINE サポート", "LINE", NULL},
};
const size_t vb_demo_channel_count = COUNT(vb_demo_channels);

/* Scripts from left and right, without spaces, of two and four bytes, and emoji that are joined
 * from several characters. One customer's phrase begins like a formula. */
const struct vb_demo_language vb_demo_languages[] = {
    {"en",
     {"Hi, where is my order? It was due on Monday.", "It's the blue jacket, size M",
      "Really? The tracking page says \"delivered\", but nothing came.",
      "Could you send it to my office instead?",
      "=SUM(A1:A3) is what your form shows me, by the way", "That would be great, thanks!",
      "One more thing: can I still change the colour, or is it too late?",
      "Perfect 👍 have a good day"},
     {"Hello! I'm the virtual assistant. How can I help you today?",
      "I can look that up. What is the order about?", "Thanks. I am checking the status for you.",
      "I am handing you over to a colleague.", "Your request has been noted.",
      "Is there anything else I can do?", "We usually answer within five minutes.",
      "Please rate this conversation from 1 to 5."},
     {"Hello, this is the support team. I have your order on my screen.",
      "The parcel is at the depot, I'll have it sent out again.",
      "I'm sorry about that, the driver scanned it too early.",
      "Sure, what is the address?\nPlease include the floor.",
      "I have changed it, you'll get an e-mail.",
      "A new label is on its way: here is a picture of it.",
      "No, that still works. Green or black?", "You're welcome!"}},
    {"es",
     {"Hola, ¿dónde está mi pedido?", "Pedí dos camisetas la semana pasada",
      "¿Seguro? Aquí no ha llegado nada…", "¿Pueden enviarlo a mi oficina?",
      "Mañana por la tarde me viene bien", "¡Muchísimas gracias!",
      "Otra cosa: ¿puedo cambiar la talla?", "Perfecto, hasta luego"},
     {"¡Hola! Soy el asistente virtual. ¿En qué puedo ayudarle?", "Un momento, por favor.",
      "Estoy consultando el estado de su pedido.", "Le paso con un compañero.",
      "Hemos registrado su consulta.", "¿Puedo ayudarle en algo más?",
      "Respondemos en unos cinco minutos.", "Valore esta conversación del 1 al 5."},
     {"Buenos días, le atiende el equipo de soporte.",
      "El paquete está en el almacén; lo reenviamos hoy.",
      "Lo siento mucho, fue un error del transportista.", "Claro, ¿cuál es la dirección?",
      "Ya está cambiado, recibirá un correo.", "Aquí tiene la nueva etiqueta.",
      "Sí, todavía es posible.", "¡De nada!"}},
    {"de",
     {"Guten Tag, meine Bestellung ist noch nicht da.", "Es geht um die Größe 42, in Grün",
      "Komisch, laut Sendungsverfolgung wurde sie „zugestellt“",
      "Können Sie sie an meine Büroadresse schicken?", "Ab 17 Uhr bin ich zu Hause",
      "Vielen Dank für die schnelle Hilfe!", "Lässt sich die Farbe noch ändern?",
      "Super, schönen Tag noch"},
     {"Hallo! Ich bin der virtuelle Assistent.", "Das schaue ich gerne nach.",
      "Einen Augenblick bitte …", "Ich verbinde Sie mit einer Kollegin.",
      "Ihre Anfrage wurde aufgenommen.", "Kann ich noch etwas für Sie tun?",
      "Wir antworten meist innerhalb von fünf Minuten.",
      "Bitte bewerten Sie dieses Gespräch von 1 bis 5."},
     {"Guten Tag, hier ist der Kundendienst.", "Das Paket liegt im Depot; es geht heute raus.",
      "Das tut mir leid, da wurde zu früh gescannt.", "Gerne, wie lautet die Adresse?",
      "Ist geändert, Sie bekommen eine E-Mail.", "Hier ist das neue Etikett.", "Ja, das geht noch.",
      "Gern geschehen!"}},
    {"zh",
     {"你好，请问我的订单到哪里了？", "是上周买的蓝色外套", "物流显示“已签收”，可是我没有收到",
      "可以改送到公司吗？", "明天下午三点以后都可以", "太好了，谢谢！🙏", "还有，尺码能换成大号吗？",
      "好的，再见"},
     {"您好！我是智能客服，请问有什么可以帮您？", "好的，正在为您查询。", "请稍等。",
      "正在为您转接人工客服。", "您的问题已记录。", "还有其他需要帮助的吗？",
      "我们通常在五分钟内回复。", "请为本次服务打分（1到5分）。"},
     {"您好，我是客服小王。", "包裹在仓库，今天重新派送。", "非常抱歉，是快递员提前扫描了。",
      "可以，请告诉我地址。", "已经修改，请查收邮件。", "这是新的面单照片。", "可以的，还来得及。",
      "不客气！"}},
    {"ar",
     {"مرحبا، أين طلبي؟", "طلبت سترة زرقاء الأسبوع الماضي", "النظام يقول إنه سُلّم لكن لم يصل شيء",
      "هل يمكن إرساله إلى مكتبي؟", "غدًا بعد الساعة الثالثة مناسب", "شكرًا جزيلًا 🌹",
      "هل يمكن تغيير المقاس؟", "ممتاز، مع السلامة"},
     {"أهلًا! أنا المساعد الآلي، كيف أساعدك؟", "لحظة من فضلك.", "أتحقق من حالة الطلب.",
      "سأحوّلك إلى زميلي.", "تم تسجيل طلبك.", "هل هناك شيء آخر؟", "نرد عادة خلال خمس دقائق.",
      "يرجى تقييم المحادثة من 1 إلى 5."},
     {"مرحبا، معك فريق الدعم.", "الطرد في المستودع وسنعيد إرساله اليوم.", "نعتذر عن هذا الخطأ.",
      "بالتأكيد، ما هو العنوان؟", "تم التعديل وستصلك رسالة.", "هذه صورة الملصق الجديد.",
      "نعم، ما زال ممكنًا.", "على الرحب والسعة!"}},
    {"emoji",
     {"👋", "📦❓", "😡😡😡", "🏢➡️📦 ?", "👨‍👩‍👧‍👦 🏳️‍🌈", "❤️",
      "🎨🔄❓", "👍🏽"},
     {"🤖 Hello! 👋", "🔎 …", "⏳", "🤖➡️🧑", "📝 ✅", "➕❓", "⏱️ 5 min",
      "⭐️ 1–5 ?"},
     {"🧑‍💻 hi!", "🚚💨", "🙇 sorry!", "📍❓", "✉️ ✅", "🏷️", "✅", "🙂"}},
};
const size_t vb_demo_language_count = COUNT(vb_demo_languages);

const char *const vb_demo_names[] = {
    "Jane Doe",           "John Smith",        "María García",  "José Hernández",
    "Zoë Müller",         "Jürgen Groß",       "王小明",        "李娜",
    "محمد علي",           "فاطمة الزهراء",     "佐藤 花子",     "Иван Петров",
    "Nguyễn Văn An",      "Oluwaseun Adeyemi", "Priya Sharma",  "Sean O'Brien",
    "Anne-Marie Dubois",  "Łukasz Nowak",      "Chloé Lefèvre", "김민수",
    "Σοφία Παπαδοπούλου", "Tomáš Dvořák",      "Aylin Yılmaz",  "Emma Johansson",
};
const size_t vb_demo_name_count = COUNT(vb_demo_names);

/* Each is a trap that some reader fell into: quotes, separators, line ends, formulas, devices and
 * dots of Windows, direction marks, blanks only, far too long, equal but for case. */
const char *const vb_demo_awkward_names[] = {
    "Robert \"Bob\" Tables",
    "Smith, John",
    "Line\nBreak",
    "AC/DC Fan Club",
    "=HYPERLINK(\"http://example.com\")",
    "+1 Team",
    "-Minus-",
    "@handle",
    "CON",
    "nul.txt",
    "COM1",
    "trailing dot.",
    "trailing space ",
    " leading",
    "..",
    "a\\b:c*d?e\"f<g>h|i",
    "\xe2\x80\xaeright-to-left override",
    "👩‍🚀🚀✨",
    "",
    "   ",
    ("An extraordinarily long name that goes on and on, as if someone had pasted the whole of "
     "their signature, their address, and the slogan of their company into the field for the "
     "name, and then a second time: an extraordinarily long name that goes on and on and never "
     "really ends"),
    ("非常非常非常非常非常非常非常非常非常非常非常非常非常非常非常非常非常非常非常非常"
     "非常非常非常非常常非常长的"
     "名字名字名字名字名字名字名字名字名字名字名字名字名字名字名字名字名字名字名字名字"
     "名字名字名字名字名字"),
    "jane doe",
    "JANE DOE",
    "Tab\tbed",
    "'quoted",
    "＝full-width",
    "e\xcc\x81 combining",
    "%2e%2e%2fpercent",
};
const size_t vb_demo_awkward_name_count = COUNT(vb_demo_awkward_names);

const char *const vb_demo_agents[] = {
    "Alice Becker", "Carlos Ruiz", "陈静", "ليلى حسن", "D'Arcy O'Neil", "Support, Team \"B\"",
};
const size_t vb_demo_agent_count = COUNT(vb_demo_agents);

const char *const vb_demo_assistants[] = {"Verba", "Order Helper", "小助手", "=Bot 3000"};
const size_t vb_demo_assistant_count = COUNT(vb_demo_assistants);
