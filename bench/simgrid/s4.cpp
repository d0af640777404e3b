// The scale scenario on SimGrid: VM objects, each with one endless execution of as many threads as
// it has vCPUs, and one actor that changes the bound of every VM at every step. This is the fastest
// of the forms tried for dates that all VMs share. Prints one line of JSON.
//
//   g++ -O2 -std=c++17 s4.cpp -lsimgrid -o s4 && ./s4 HOSTS VMS STEPS

#include <simgrid/plugins/energy.h>
#include <simgrid/s4u.hpp>
#include <simgrid/simix.hpp>

#include <sys/resource.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

namespace sg4 = simgrid::s4u;

namespace {

constexpr double coreFlops = 2e9;
constexpr double intervalS = 300;
constexpr int coresPerHost = 16;
constexpr std::uint32_t seed = 12345;
constexpr int vcpuCycle[] = {1, 2, 4, 8, 2, 1, 4, 2};

std::uint32_t mixBits(std::uint32_t bits)
{
  bits ^= bits >> 16;
  bits *= 0x85ebca6bU;
  bits ^= bits >> 13;
  bits *= 0xc2b2ae35U;
  return bits ^ (bits >> 16);
}

/** Demand of a VM at a step, in whole percent of its vCPUs, 1 ... 100. */
int demandPercent(std::uint32_t vm, std::uint32_t step, std::uint32_t steps)
{
  const std::uint32_t hash = mixBits(seed + 0x9e3779b9U * (vm * steps + step + 1));
  return 1 + static_cast<int>((static_cast<std::uint64_t>(hash >> 8) * 100) >> 24);
}

double cpuSeconds()
{
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return usage.ru_utime.tv_sec + usage.ru_stime.tv_sec + (usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

} // namespace

int main(int argc, char** argv)
{
  if (argc < 4) {
    std::fprintf(stderr, "usage: %s HOSTS VMS STEPS\n", argv[0]);
    return 2;
  }
  const int hostCount  = std::atoi(argv[1]);
  const int vmCount    = std::atoi(argv[2]);
  const int stepCount  = std::atoi(argv[3]);
  char quiet[]         = "--log=root.thresh:error";
  char* engineArgs[]   = {argv[0], quiet, nullptr};
  int engineArgCount   = 2;

  sg_host_energy_plugin_init();
  sg4::Engine engine(&engineArgCount, engineArgs);
  auto* zone = sg4::create_empty_zone("cluster");
  std::vector<sg4::Host*> hosts;
  for (int host = 0; host < hostCount; host++) {
    auto* created = zone->create_host("h" + std::to_string(host), coreFlops);
    created->set_core_count(coresPerHost);
    created->set_property("wattage_per_state", "90:105:250");
    created->set_property("wattage_off", "0");
    hosts.push_back(created);
  }
  auto* control = zone->create_host("control", 1e9);
  control->set_property("wattage_per_state", "0:0:0");
  zone->seal();

  std::vector<sg4::VirtualMachine*> vms;
  std::vector<int> vcpus;
  for (int vm = 0; vm < vmCount; vm++) {
    const int count = vcpuCycle[vm % 8];
    auto* created   = hosts[vm % hostCount]->create_vm("v" + std::to_string(vm), count);
    created->start();
    sg4::Actor::create("load", created, [count]() {
      auto load = sg4::this_actor::exec_init(1e30);
      load->set_thread_count(count);
      load->start();
      load->wait();
    })->daemonize();
    vms.push_back(created);
    vcpus.push_back(count);
  }

  double startS = 0;
  sg4::Actor::create("control", control, [&]() {
    startS = cpuSeconds();
    for (int step = 0; step < stepCount; step++) {
      sg4::this_actor::sleep_until(step * intervalS);
      sg_host_energy_update_all();
      simgrid::kernel::actor::simcall_answered([&]() {
        for (int vm = 0; vm < vmCount; vm++)
          vms[vm]->set_bound(vcpus[vm] * coreFlops * demandPercent(vm, step, stepCount) / 100);
      });
    }
    sg4::this_actor::sleep_until(stepCount * intervalS);
    sg_host_energy_update_all();
    const double cpuS = cpuSeconds() - startS;
    double energyJ    = 0;
    for (auto* host : hosts)
      energyJ += sg_host_get_consumed_energy(host);
    std::printf("{\"cpuS\":%.6f,\"energyJ\":%.17g}\n", cpuS, energyJ);
    std::fflush(stdout);
    // SimGrid's own teardown of thousands of VMs is no part of the comparison.
    std::_Exit(0);
  });
  engine.run();
  return 1;
}
