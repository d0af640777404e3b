/* The agent of a test VM: makes load, counts the work that got done, measures how long jobs took.
 *
 * Lines over TCP port 7070, one answer line for each; `docs/testbed.md` has the protocol:
 *   load PCT | jobs RATE COST [SEED] | dirty MIBPS | report | stat | calibrate
 * Answers are `ok …`, `error …` or one JSON object. Besides, it brings hot-plugged CPUs online and
 * powers off when the ACPI button is pressed, as a distribution's daemons would. Called with a port (0: any,
 * printed), as on a machine that has such daemons, it only serves.
 *
 * One unit of work is STEPS_PER_UNIT steps of an integer recurrence. Times are CLOCK_MONOTONIC of the
 * guest, which stands still while the VM is paused: what a pause costs is for a client outside to see.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/input.h>
#include <linux/netlink.h>
#include <math.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/reboot.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
  PORT = 7070,
  STEPS_PER_UNIT = 10000,
  UNITS_PER_SLICE = 16, /* between two looks at the clock or the work counter */
  CPUS_MAX = 8,
  CLIENTS_MAX = 64,
  LINE_MAX_BYTES = 256,
  QUEUE_MAX = 65536,
  PAGE_BYTES = 4096,
  STACK_BYTES = 128 * 1024,
};

static const double rate_max = 100000;    /* jobs per s */
static const double cost_max = 1e9;       /* units */
static const double dirty_max = 65536;    /* MiB/s */
static const double duty_period_s = 0.05; /* of `load` */

static double now_s(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static struct timespec timespec_of(double s) {
  struct timespec t = {.tv_sec = (time_t)s};
  t.tv_nsec = (long)((s - (double)t.tv_sec) * 1e9);
  return t;
}

static void sleep_until(double s) {
  struct timespec t = timespec_of(s);
  while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL) == EINTR) continue;
}

/* A condition variable that waits by the monotonic clock. */
static void init_condition(pthread_cond_t *condition) {
  pthread_condattr_t attributes;
  pthread_condattr_init(&attributes);
  pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
  pthread_cond_init(condition, &attributes);
}

static void start_thread(void *(*body)(void *), void *argument) {
  pthread_attr_t attributes;
  pthread_t thread;
  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, STACK_BYTES);
  pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
  if (pthread_create(&thread, &attributes, body, argument) != 0) {
    perror("thread");
    exit(1);
  }
}

/* ---- work ---- */

static atomic_ullong work_units;
static volatile uint32_t work_sink;

static void burn(uint64_t units) {
  uint32_t x = (uint32_t)units | 1;
  while (units > 0) {
    uint64_t slice = units < UNITS_PER_SLICE ? units : UNITS_PER_SLICE;
    for (uint64_t step = slice * STEPS_PER_UNIT; step > 0; step--) x = x * 1664525u + 1013904223u;
    work_sink = x;
    atomic_fetch_add(&work_units, slice);
    units -= slice;
  }
}

/* ---- what all threads share ---- */

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t cpus_changed, load_changed, jobs_changed, jobs_waiting, dirty_changed;
static int cpus_online = 1;
static int load_percent;

struct job {
  double due_s;
  uint64_t cost;
};
static struct job queue[QUEUE_MAX];
static uint32_t queue_head, queue_length;
static double jobs_rate, jobs_next_s;
static uint64_t jobs_cost, jobs_random;

static double dirty_mibps;
static double dirty_mib; /* dirtied since the start */

/* Buckets of latencies in whole us: one each below 128, then 64 for each power of two. */
enum { BUCKETS = 128 + 24 * 64 };
static const uint32_t latency_max_us = 0x7fffffff;

/* Totals since the start; a report is the difference of two. */
struct totals {
  double at_s, dirty_mib;
  uint64_t issued, done, dropped, work;
};
static struct totals totals, reported;
/* Latencies since the last report. */
static uint32_t buckets[BUCKETS];
static double latency_sum_us;
static uint32_t latency_least_us, latency_most_us;

static void refresh_cpus(void) {
  long found = sysconf(_SC_NPROCESSORS_ONLN);
  pthread_mutex_lock(&lock);
  cpus_online = found < 1 ? 1 : found > CPUS_MAX ? CPUS_MAX : (int)found;
  pthread_cond_broadcast(&cpus_changed);
  pthread_cond_broadcast(&load_changed);
  pthread_cond_broadcast(&jobs_waiting);
  pthread_mutex_unlock(&lock);
}

/* ---- load: a duty cycle on every online CPU ---- */

static void *load_thread(void *argument) {
  int index = (int)(intptr_t)argument;
  for (;;) {
    pthread_mutex_lock(&lock);
    while (load_percent == 0 || index >= cpus_online) pthread_cond_wait(&load_changed, &lock);
    int percent = load_percent;
    pthread_mutex_unlock(&lock);
    double start = now_s();
    double end = start + duty_period_s * percent / 100;
    while (now_s() < end) burn(1);
    if (percent < 100) sleep_until(start + duty_period_s);
  }
  return NULL;
}

/* ---- jobs: an open loop of Poisson arrivals into one FIFO queue, a worker for each online CPU ---- */

/* splitmix64 (Steele, Lea and Flood 2014); in (0, 1]. */
static double random_fraction(void) {
  uint64_t z = (jobs_random += 0x9e3779b97f4a7c15u);
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return (double)(((z ^ (z >> 31)) >> 11) + 1) / 9007199254740992.0;
}

static void *arrivals_thread(void *argument) {
  (void)argument;
  pthread_mutex_lock(&lock);
  for (;;) {
    if (jobs_rate == 0) {
      pthread_cond_wait(&jobs_changed, &lock);
      continue;
    }
    /* Those that fell due while this thread did not run come now, each at its own due time. */
    for (double now = now_s(); jobs_rate > 0 && jobs_next_s <= now;) {
      totals.issued++;
      if (queue_length == QUEUE_MAX) {
        totals.dropped++;
      } else {
        queue[(queue_head + queue_length++) % QUEUE_MAX] = (struct job){jobs_next_s, jobs_cost};
        pthread_cond_signal(&jobs_waiting);
      }
      jobs_next_s -= log(random_fraction()) / jobs_rate;
    }
    struct timespec until = timespec_of(jobs_next_s);
    pthread_cond_timedwait(&jobs_changed, &lock, &until);
  }
  return NULL;
}

static int bucket_of(uint32_t us) {
  if (us < 128) return (int)us;
  int shift = 31 - __builtin_clz(us) - 6;
  return shift * 64 + (int)(us >> shift);
}

static double bucket_middle_us(int bucket) {
  if (bucket < 128) return bucket;
  int shift = bucket / 64 - 1;
  double width = (double)(1u << shift);
  return (double)(bucket - shift * 64) * width + (width - 1) / 2;
}

/* With the lock held. */
static void count_latency(double latency_s) {
  double us = latency_s < 0 ? 0 : latency_s * 1e6;
  uint32_t whole = us > latency_max_us ? latency_max_us : (uint32_t)us;
  buckets[bucket_of(whole)]++;
  latency_sum_us += whole;
  if (whole < latency_least_us) latency_least_us = whole;
  if (whole > latency_most_us) latency_most_us = whole;
}

static void *jobs_thread(void *argument) {
  int index = (int)(intptr_t)argument;
  pthread_mutex_lock(&lock);
  for (;;) {
    /* A worker without a CPU waits apart: it must not take the signal that is meant for another. */
    while (index >= cpus_online || queue_length == 0)
      pthread_cond_wait(index >= cpus_online ? &cpus_changed : &jobs_waiting, &lock);
    struct job job = queue[queue_head];
    queue_head = (queue_head + 1) % QUEUE_MAX;
    queue_length--;
    pthread_mutex_unlock(&lock);
    burn(job.cost);
    double end = now_s();
    pthread_mutex_lock(&lock);
    totals.done++;
    count_latency(end - job.due_s);
  }
  return NULL;
}

/* ---- dirty: writes to so many MiB of pages a second, so that a migration has to send them again ---- */

/* A third of the memory that is free, at most 64 MiB. */
static size_t dirty_pages(void) {
  char text[256];
  unsigned long kib = 0;
  FILE *file = fopen("/proc/meminfo", "r");
  while (file != NULL && fgets(text, sizeof text, file) != NULL)
    if (sscanf(text, "MemAvailable: %lu", &kib) == 1) break;
  if (file != NULL) fclose(file);
  size_t pages = kib / 3 / 4;
  return pages < 256 ? 256 : pages > 16384 ? 16384 : pages;
}

static void *dirty_thread(void *argument) {
  (void)argument;
  uint8_t *memory = NULL;
  size_t pages = 0, page = 0;
  uint64_t value = 1;
  double owed = 0, before = 0;
  for (;;) {
    pthread_mutex_lock(&lock);
    if (dirty_mibps == 0) {
      owed = 0;
      while (dirty_mibps == 0) pthread_cond_wait(&dirty_changed, &lock);
      before = now_s();
    }
    double mibps = dirty_mibps;
    pthread_mutex_unlock(&lock);
    if (memory == NULL) {
      pages = dirty_pages();
      memory = mmap(NULL, pages * PAGE_BYTES, PROT_READ | PROT_WRITE,
                    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
      if (memory == MAP_FAILED) return NULL;
    }
    double now = now_s();
    owed += mibps * 256 * (now - before);
    before = now;
    /* Further behind than a second: this VM cannot write that fast. */
    if (owed > mibps * 256) owed = mibps * 256;
    double done = 0;
    for (; owed >= 1; owed--, done++) {
      value = value * 6364136223846793005u + 1442695040888963407u;
      memcpy(memory + page * PAGE_BYTES + (value >> 52 & 0xff8), &value, sizeof value);
      page = (page + 1) % pages;
    }
    pthread_mutex_lock(&lock);
    dirty_mib += done / 256;
    pthread_mutex_unlock(&lock);
    sleep_until(now + 0.01);
  }
  return NULL;
}

/* ---- answers ---- */

struct answer {
  char text[32768];
  size_t length;
};

__attribute__((format(printf, 2, 3))) static void say(struct answer *answer, const char *form, ...) {
  va_list values;
  va_start(values, form);
  size_t room = sizeof answer->text - answer->length;
  int wrote = vsnprintf(answer->text + answer->length, room, form, values);
  if (wrote > 0) answer->length += (size_t)wrote < room ? (size_t)wrote : room - 1;
  va_end(values);
}

/* With the lock held: totals as of now. */
static struct totals totals_now(void) {
  struct totals now = totals;
  now.at_s = now_s();
  now.work = atomic_load(&work_units);
  now.dirty_mib = dirty_mib;
  return now;
}

static void say_state(struct answer *answer) {
  say(answer, "\"queue\":%u,\"ncpu\":%d,\"loadPercent\":%d,\"ratePerS\":%.6g,\"cost\":%llu,"
      "\"dirtyMibPerS\":%.6g", queue_length, cpus_online, load_percent, jobs_rate,
      (unsigned long long)jobs_cost, dirty_mibps);
}

/* The value that a fraction of all latencies does not exceed, as precise as the buckets are, ms. */
static double percentile_ms(uint64_t count, double fraction) {
  uint64_t rank = (uint64_t)ceil((double)count * fraction), seen = 0;
  for (int bucket = 0; bucket < BUCKETS; bucket++) {
    seen += buckets[bucket];
    if (seen >= rank && seen > 0) return fmin(bucket_middle_us(bucket), latency_most_us) / 1000;
  }
  return 0;
}

static void reset_latencies(void) {
  memset(buckets, 0, sizeof buckets);
  latency_sum_us = 0;
  latency_most_us = 0;
  latency_least_us = latency_max_us;
}

static void answer_report(struct answer *answer) {
  pthread_mutex_lock(&lock);
  struct totals now = totals_now();
  uint64_t done = now.done - reported.done;
  say(answer, "{\"uptimeS\":%.6f,\"intervalS\":%.6f,\"issued\":%llu,\"done\":%llu,\"dropped\":%llu,"
      "\"work\":%llu,\"dirtyMib\":%.3f,", now.at_s, now.at_s - reported.at_s,
      (unsigned long long)(now.issued - reported.issued), (unsigned long long)done,
      (unsigned long long)(now.dropped - reported.dropped),
      (unsigned long long)(now.work - reported.work), now.dirty_mib - reported.dirty_mib);
  say_state(answer);
  say(answer, ",\"p50Ms\":%.3f,\"p95Ms\":%.3f,\"p99Ms\":%.3f,\"maxMs\":%.3f,",
      percentile_ms(done, 0.5), percentile_ms(done, 0.95), percentile_ms(done, 0.99),
      latency_most_us / 1000.0);
  say(answer, "\"latency\":{\"sumUs\":%.0f,\"minUs\":%u,\"maxUs\":%u,\"buckets\":[", latency_sum_us,
      done == 0 ? 0 : latency_least_us, latency_most_us);
  const char *comma = "";
  for (int bucket = 0; bucket < BUCKETS; bucket++) {
    if (buckets[bucket] == 0) continue;
    say(answer, "%s[%d,%u]", comma, bucket, buckets[bucket]);
    comma = ",";
  }
  say(answer, "]}}");
  reset_latencies();
  reported = now;
  pthread_mutex_unlock(&lock);
}

static void answer_stat(struct answer *answer) {
  pthread_mutex_lock(&lock);
  struct totals now = totals_now();
  say(answer, "{\"uptimeS\":%.6f,\"issued\":%llu,\"done\":%llu,\"dropped\":%llu,\"work\":%llu,"
      "\"dirtyMib\":%.3f,", now.at_s, (unsigned long long)now.issued, (unsigned long long)now.done,
      (unsigned long long)now.dropped, (unsigned long long)now.work, now.dirty_mib);
  say_state(answer);
  say(answer, "}");
  pthread_mutex_unlock(&lock);
}

/* Units that one thread gets done in about 0.25 s. */
static void answer_calibrate(struct answer *answer) {
  double start = now_s(), end = start;
  uint64_t units = 0;
  for (; end - start < 0.25; end = now_s(), units += UNITS_PER_SLICE) burn(UNITS_PER_SLICE);
  say(answer, "{\"unitsPerS\":%.3f,\"seconds\":%.6f}", (double)units / (end - start), end - start);
}

static void set_jobs(struct answer *answer, double rate, double cost, const uint64_t *seed) {
  pthread_mutex_lock(&lock);
  jobs_rate = rate;
  jobs_cost = (uint64_t)cost;
  if (seed != NULL) jobs_random = *seed;
  if (rate > 0) jobs_next_s = now_s() - log(random_fraction()) / rate;
  pthread_cond_broadcast(&jobs_changed);
  pthread_mutex_unlock(&lock);
  say(answer, "ok jobs %.6g %.0f", rate, cost);
}

/* A whole word that is a number in [0, most]. */
static bool number_of(const char *word, double most, double *value) {
  char *end;
  if (word == NULL) return false;
  errno = 0;
  *value = strtod(word, &end);
  return *end == 0 && end != word && errno == 0 && *value >= 0 && *value <= most;
}

static bool seed_of(const char *word, uint64_t *seed) {
  char *end;
  errno = 0;
  *seed = strtoull(word, &end, 10);
  return *word >= '0' && *word <= '9' && *end == 0 && errno == 0;
}

static void answer_line(char *line, struct answer *answer) {
  char *words[5] = {0}, *rest = line;
  int count = 0;
  for (char *word; (word = strsep(&rest, " \t")) != NULL;)
    if (*word != 0 && count++ < 5) words[count - 1] = word;
  const char *verb = count == 0 ? "" : words[0];
  double a, b;
  uint64_t seed;
  if (strcmp(verb, "load") == 0) {
    if (count != 2 || !number_of(words[1], 100, &a)) {
      say(answer, "error load takes a percentage from 0 to 100");
      return;
    }
    pthread_mutex_lock(&lock);
    load_percent = (int)(a + 0.5);
    pthread_cond_broadcast(&load_changed);
    pthread_mutex_unlock(&lock);
    say(answer, "ok load %d", (int)(a + 0.5));
  } else if (strcmp(verb, "jobs") == 0) {
    if (count < 3 || count > 4 || !number_of(words[1], rate_max, &a) ||
        !number_of(words[2], cost_max, &b) || (count == 4 && !seed_of(words[3], &seed)))
      say(answer, "error jobs takes a rate per s up to %.0f, a cost in units up to %.0f, and a seed",
          rate_max, cost_max);
    else
      set_jobs(answer, a, b, count == 4 ? &seed : NULL);
  } else if (strcmp(verb, "dirty") == 0) {
    if (count != 2 || !number_of(words[1], dirty_max, &a)) {
      say(answer, "error dirty takes MiB per s up to %.0f", dirty_max);
      return;
    }
    pthread_mutex_lock(&lock);
    dirty_mibps = a;
    pthread_cond_broadcast(&dirty_changed);
    pthread_mutex_unlock(&lock);
    say(answer, "ok dirty %.6g", a);
  } else if (count == 1 && strcmp(verb, "report") == 0) {
    answer_report(answer);
  } else if (count == 1 && strcmp(verb, "stat") == 0) {
    answer_stat(answer);
  } else if (count == 1 && strcmp(verb, "calibrate") == 0) {
    answer_calibrate(answer);
  } else {
    say(answer, "error expected load, jobs, dirty, report, stat or calibrate");
  }
}

/* ---- clients ---- */

static atomic_int clients;

static bool send_all(int socket, const char *data, size_t length) {
  while (length > 0) {
    ssize_t sent = send(socket, data, length, MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent <= 0) return false;
    data += sent;
    length -= (size_t)sent;
  }
  return true;
}

static bool reply(int socket, struct answer *answer, char *line) {
  answer->length = 0;
  if (line == NULL) say(answer, "error the line is longer than %d bytes", LINE_MAX_BYTES - 1);
  else answer_line(line, answer);
  say(answer, "\n");
  return send_all(socket, answer->text, answer->length);
}

static void *client_thread(void *argument) {
  int socket = (int)(intptr_t)argument;
  struct answer *answer = malloc(sizeof *answer);
  char line[LINE_MAX_BYTES], data[1024];
  size_t length = 0;
  bool is_too_long = false, is_open = answer != NULL;
  while (is_open) {
    ssize_t got = recv(socket, data, sizeof data, 0);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) break;
    for (ssize_t at = 0; at < got && is_open; at++) {
      if (data[at] == '\n') {
        if (length > 0 && line[length - 1] == '\r') length--;
        line[length] = 0;
        is_open = reply(socket, answer, is_too_long ? NULL : line);
        length = 0;
        is_too_long = false;
      } else if (length < sizeof line - 1) {
        line[length++] = data[at];
      } else {
        is_too_long = true;
      }
    }
  }
  free(answer);
  close(socket);
  atomic_fetch_sub(&clients, 1);
  return NULL;
}

static int serve(int port) {
  int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (bind(listener, (void *)&address, sizeof address) < 0 || listen(listener, CLIENTS_MAX) < 0) {
    perror("listen");
    return 1;
  }
  socklen_t length = sizeof address;
  if (getsockname(listener, (void *)&address, &length) == 0)
    printf("port %d\n", ntohs(address.sin_port));
  for (;;) {
    int socket = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
    if (socket < 0) {
      /* Out of descriptors or memory: better soon than never. */
      if (errno != EINTR && errno != ECONNABORTED) sleep_until(now_s() + 0.1);
      continue;
    }
    /* A client whose machine is gone must not hold its place for ever. */
    int idle_s = 30, every_s = 10, probes = 3;
    setsockopt(socket, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
    setsockopt(socket, IPPROTO_TCP, TCP_KEEPIDLE, &idle_s, sizeof idle_s);
    setsockopt(socket, IPPROTO_TCP, TCP_KEEPINTVL, &every_s, sizeof every_s);
    setsockopt(socket, IPPROTO_TCP, TCP_KEEPCNT, &probes, sizeof probes);
    setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (atomic_fetch_add(&clients, 1) >= CLIENTS_MAX) {
      send_all(socket, "error too many clients\n", 23);
      close(socket);
      atomic_fetch_sub(&clients, 1);
      continue;
    }
    start_thread(client_thread, (void *)(intptr_t)socket);
  }
}

/* ---- what a distribution's daemons do ---- */

static void *uevents_thread(void *argument) {
  (void)argument;
  static const char added[] = "add@/devices/system/cpu/cpu";
  struct sockaddr_nl address = {.nl_family = AF_NETLINK, .nl_groups = 1};
  int events = socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC, NETLINK_KOBJECT_UEVENT);
  if (events < 0 || bind(events, (void *)&address, sizeof address) < 0) {
    perror("uevents");
    return NULL;
  }
  char text[4096], path[512];
  for (;;) {
    ssize_t length = recv(events, text, sizeof text - 1, 0);
    if (length <= 0) continue;
    text[length] = 0;
    if (strncmp(text, added, sizeof added - 1) == 0) {
      snprintf(path, sizeof path, "/sys%.400s/online", text + strlen("add@"));
      int file = open(path, O_WRONLY | O_CLOEXEC);
      if (file >= 0) {
        if (write(file, "1", 1) != 1) perror(path);
        close(file);
      }
    }
    if (strstr(text, "@/devices/system/cpu/cpu") != NULL) refresh_cpus();
  }
  return NULL;
}

static void *button_thread(void *argument) {
  int input = open(argument, O_RDONLY | O_CLOEXEC);
  struct input_event event;
  if (input < 0) return NULL;
  while (read(input, &event, sizeof event) == sizeof event) {
    if (event.type != EV_KEY || event.code != KEY_POWER || event.value != 1) continue;
    sync();
    reboot(RB_POWER_OFF);
  }
  close(input);
  return NULL;
}

int main(int count, char **arguments) {
  static char *inputs[] = {"/dev/input/event0", "/dev/input/event1", "/dev/input/event2"};
  setvbuf(stdout, NULL, _IOLBF, 0);
  signal(SIGPIPE, SIG_IGN);
  init_condition(&cpus_changed);
  init_condition(&load_changed);
  init_condition(&jobs_changed);
  init_condition(&jobs_waiting);
  init_condition(&dirty_changed);
  jobs_random = 1;
  reported.at_s = now_s();
  reset_latencies();
  refresh_cpus();
  for (intptr_t index = 0; index < CPUS_MAX; index++) {
    start_thread(load_thread, (void *)index);
    start_thread(jobs_thread, (void *)index);
  }
  start_thread(arrivals_thread, NULL);
  start_thread(dirty_thread, NULL);
  if (count > 1) return serve(atoi(arguments[1]));
  start_thread(uevents_thread, NULL);
  for (size_t index = 0; index < sizeof inputs / sizeof *inputs; index++)
    start_thread(button_thread, inputs[index]);
  return serve(PORT);
}
