%% A TURN server made of ProcessOne's p1_stun, for the tests: see p1-stun.js.
%%
%% Arguments, each NAME=VALUE: host (may be repeated), port, tls-port, certificate (a file with key and
%% certificate; no TLS without it), realm, user (NAME:PASSWORD, may be repeated), relay4, relay6.

main(Arguments) ->
    Options = [parse(Argument) || Argument <- Arguments],
    Value = fun(Name, Default) -> proplists:get_value(Name, Options, Default) end,
    Users = maps:from_list([user(User) || User <- proplists:get_all_values("user", Options)]),
    {ok, _} = application:ensure_all_started(stun),
    Common = [use_turn,
              {auth_type, user},
              {auth_realm, list_to_binary(Value("realm", "example.org"))},
              %% An empty password is how p1_stun is told that there is no such user.
              {auth_fun, fun(Name, _Realm) -> maps:get(Name, Users, <<>>) end}]
        ++ [{turn_ipv4_address, Value("relay4", none)} || Value("relay4", none) =/= none]
        ++ [{turn_ipv6_address, Value("relay6", none)} || Value("relay6", none) =/= none],
    Port = list_to_integer(Value("port", "3478")),
    Secure = case Value("certificate", none) of
                 none -> [];
                 File -> [{tls, list_to_integer(Value("tls-port", "5349")),
                           [{certfile, list_to_binary(File)}]}]
             end,
    [listen(Host, PortOfIt, Transport, More ++ Common)
     || Host <- proplists:get_all_values("host", Options),
        {Transport, PortOfIt, More} <- [{udp, Port, []}, {tcp, Port, []} | Secure]],
    receive stop -> ok end.

listen(Host, Port, Transport, Options) ->
    {ok, Address} = inet:parse_address(Host),
    case stun_listener:add_listener(Address, Port, Transport, Options) of
        ok -> ok;
        {error, Reason} ->
            io:format(standard_error, "~s ~p ~p: ~p~n", [Host, Port, Transport, Reason]),
            halt(1)
    end.

parse(Argument) ->
    [Name, Value] = string:split(Argument, "="),
    {Name, Value}.

user(User) ->
    [Name, Password] = string:split(User, ":"), % a password may have colons
    {unicode:characters_to_binary(Name), unicode:characters_to_binary(Password)}.
