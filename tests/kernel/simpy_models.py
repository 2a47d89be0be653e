"""Five models that SimPy's documentation explains, as generators in our own words, with the same draws.

Each is a function of the environment to run on, and prints what SimPy's example prints. They run on plain SimPy and
on the kernel; ``docs/kernel_examples.md`` has them as coroutines.
"""

# ruff: noqa: T201, C901  # they print, as SimPy's do; and a shop is told in one piece

import itertools
import random

import simpy


def bank_renege(env):
    """Customers leave the queue when they have waited long enough."""
    print("Bank renege")
    random.seed(42)
    counter = simpy.Resource(env, capacity=1)

    def customer(name):
        came = env.now
        print(f"{came:7.4f} {name}: Here I am")
        with counter.request() as turn:
            result = yield turn | env.timeout(random.uniform(1, 3))
            waited = env.now - came
            if turn not in result:
                print(f"{env.now:7.4f} {name}: RENEGED after {waited:6.3f}")
                return
            print(f"{env.now:7.4f} {name}: Waited {waited:6.3f}")
            yield env.timeout(random.expovariate(1.0 / 12.0))
            print(f"{env.now:7.4f} {name}: Finished")

    def door():
        for number in range(5):
            env.process(customer(f"Customer{number:02d}"))
            yield env.timeout(random.expovariate(1.0 / 10.0))

    env.process(door())
    env.run()


def machine_shop(env):
    """Ten machines break, and interrupt the repairman's other job."""
    print("Machine shop")
    random.seed(42)
    repairman = simpy.PreemptiveResource(env, capacity=1)

    def time_per_part():
        drawn = random.normalvariate(10.0, 2.0)
        return drawn if drawn > 0 else time_per_part()

    class Machine:
        def __init__(self, name):
            self.name, self.parts, self.broken = name, 0, False
            self.process = env.process(self.work())
            env.process(self.wear())

        def work(self):
            while True:
                left = time_per_part()
                while left:
                    began = env.now
                    try:
                        yield env.timeout(left)
                        left = 0
                    except simpy.Interrupt:
                        self.broken = True
                        left -= env.now - began
                        with repairman.request(priority=1) as help_:
                            yield help_
                            yield env.timeout(30.0)
                        self.broken = False
                self.parts += 1

        def wear(self):
            while True:
                yield env.timeout(random.expovariate(1 / 300.0))
                if not self.broken:
                    self.process.interrupt()

    def other_job():
        left = 0
        while True:
            left = left or 30.0
            with repairman.request(priority=2) as turn:
                yield turn
                began = env.now
                try:
                    yield env.timeout(left)
                    left = 0
                except simpy.Interrupt:
                    left -= env.now - began

    machines = [Machine(f"Machine {number}") for number in range(10)]
    env.process(other_job())
    env.run(until=4 * 7 * 24 * 60)
    print("Machine shop results after 4 weeks")
    for machine in machines:
        print(f"{machine.name} made {machine.parts} parts.")


def gas_station_refuel(env):
    """Cars empty a tank; a truck is called when it is nearly empty."""
    print("Gas Station refuelling")
    random.seed(42)
    pumps, tank = simpy.Resource(env, 2), simpy.Container(env, 200, init=200)

    def car(name):
        level = random.randint(5, 25)
        print(f"{env.now:6.1f} s: {name} arrived at gas station")
        with pumps.request() as pump:
            yield pump
            yield tank.get(50 - level)
            yield env.timeout((50 - level) / 2)
            print(f"{env.now:6.1f} s: {name} refueled with {50 - level:.1f}L")

    def control():
        while True:
            if tank.level / tank.capacity * 100 < 25:
                print(f"{env.now:6.1f} s: Calling tank truck")
                yield env.process(truck())
            yield env.timeout(10)

    def truck():
        yield env.timeout(300)
        amount = tank.capacity - tank.level
        tank.put(amount)
        print(f"{env.now:6.1f} s: Tank truck arrived and refuelled station with {amount:.1f}L")

    def road():
        for number in itertools.count():
            yield env.timeout(random.randint(30, 300))
            env.process(car(f"Car {number}"))

    env.process(control())
    env.process(road())
    env.run(until=1000)


def movie_renege(env):
    """Everybody leaves the queue for a film that is sold out."""
    print("Movie renege")
    random.seed(42)
    movies = ["Python Unchained", "Kill Process", "Pulp Implementation"]
    counter = simpy.Resource(env, capacity=1)
    left = dict.fromkeys(movies, 50)
    sold_out = {movie: env.event() for movie in movies}
    sold_out_at, leavers = dict.fromkeys(movies), dict.fromkeys(movies, 0)

    def moviegoer(movie, tickets):
        with counter.request() as turn:
            result = yield turn | sold_out[movie]
            if turn not in result:
                leavers[movie] += 1
                return
            if left[movie] < tickets:
                yield env.timeout(0.5)
                return
            left[movie] -= tickets
            if left[movie] < 2:
                sold_out[movie].succeed()
                sold_out_at[movie], left[movie] = env.now, 0
            yield env.timeout(1)

    def street():
        while True:
            yield env.timeout(random.expovariate(1 / 0.5))
            movie, tickets = random.choice(movies), random.randint(1, 6)
            if left[movie]:
                env.process(moviegoer(movie, tickets))

    env.process(street())
    env.run(until=120)
    for movie in movies:
        print(f'Movie "{movie}" sold out {sold_out_at[movie]:.1f} minutes after ticket counter opening.')
        print(f"  Number of people leaving queue when film sold out: {leavers[movie]}")


def process_communication(env):
    """One who talks, and one or two who listen, each at a pace of their own."""
    print("Process communication")
    random.seed(42)

    def talker(env, pipes):
        while True:
            yield env.timeout(random.randint(6, 10))
            for pipe in pipes:
                pipe.put((env.now, f"Generator A says hello at {env.now:g}"))

    def listener(env, name, pipe):
        while True:
            sent, text = yield pipe.get()
            late = sent < env.now
            words = f"at time {env.now:g}: {name} received message: {text}"
            print(f"LATE Getting Message: {words}" if late else f"{words}.")
            yield env.timeout(random.randint(4, 8))

    for title, names in (("One-to-one", ["Consumer A"]), ("One-to-many", ["Consumer A", "Consumer B"])):
        print(f"\n{title} pipe communication\n")
        room = type(env)()
        pipes = [simpy.Store(room) for _ in names]
        room.process(talker(room, pipes))
        for name, pipe in zip(names, pipes, strict=True):
            room.process(listener(room, name, pipe))
        room.run(until=100)
