from workers.local.servers import RedisServer
from workers.runtime.alone import Alone


def test_one_at_a_time_and_the_next_when_it_is_over(redis_server: RedisServer) -> None:
    url = f"redis://127.0.0.1:{redis_server.port}/0"
    ours, others = Alone(url), Alone(url)
    with ours.at("a look", 30.0) as turn:
        assert turn.held
        turn.go_on()
        with others.at("a look", 30.0) as other:
            assert not other.held
        with others.at("another look", 30.0) as other:
            assert other.held
    with others.at("a look", 30.0) as other:
        assert other.held
