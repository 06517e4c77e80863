"""nginx, HAProxy and Caddy of Debian before services, on loopback ports and with private configurations, as
docs/proxies.md has them.

`with Nginx(folder, [port, ...]) as proxy:`; `proxy.port` is where clients go."""

import re
import socket

from .process import Process, free_port, port_answers, wait_until

NGINX = """
daemon off;
worker_processes 2;
pid {folder}/nginx.pid;
error_log {folder}/nginx-error.log info;
events {{ worker_connections 1024; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    upstream verbatim {{
{servers}
{upstream}
    }}
    server {{
        listen 127.0.0.1:{port};
        location / {{
            proxy_pass http://verbatim;
            proxy_set_header Host $http_host;
            proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
{location}
        }}
    }}
}}
"""
# What docs/proxies.md adds to nginx's defaults.
NGINX_UPSTREAM = "        keepalive 16;\n        keepalive_timeout 60s;"
NGINX_LOCATION = '            proxy_http_version 1.1;\n            proxy_set_header Connection "";'

HAPROXY = """
global
    maxconn 2000
    stats socket {folder}/haproxy.sock mode 600 level admin
defaults
    mode http
    timeout connect 5s
    timeout client 60s
    timeout server 60s
    option redispatch
    retries 3
    option forwardfor
frontend front
    bind 127.0.0.1:{port}
    default_backend verbatim
backend verbatim
    option httpchk GET /readyz
    http-check expect status 200
    default-server inter 1s fall 2 rise 2
{servers}
"""

CADDY = """
{{
    admin off
    auto_https off
    storage file_system {folder}
}}
http://127.0.0.1:{port} {{
    bind 127.0.0.1
    reverse_proxy {servers} {{
        lb_policy round_robin
        lb_try_duration 5s
        health_uri /readyz
        health_interval 1s
        health_status 200
        flush_interval -1
        transport http {{
            keepalive 60s
        }}
    }}
}}
"""


class Proxy:
    """`name` of a subclass is its program's; `text()` its configuration."""

    name = None

    def __init__(self, folder, ports):
        self.folder, self.ports, self.port = folder, ports, free_port()
        self.process = None

    def text(self):
        raise NotImplementedError

    def arguments(self, config):
        raise NotImplementedError

    def __enter__(self):
        config = self.folder / f"{self.name}.conf"
        config.write_text(self.text())
        self.process = Process(self.arguments(config), self.folder / f"{self.name}.log")
        self.process.wait_ready(lambda: port_answers(self.port))
        return self

    def __exit__(self, *_):
        self.process.stop()

    def sees(self, port, is_up):
        """Waits until it sends requests to the service of this port, or no more."""


class Nginx(Proxy):
    """`plain`: as it comes, with HTTP/1.0 to the service and a connection for each request."""

    name = "nginx"

    def __init__(self, folder, ports, plain=False):
        super().__init__(folder, ports)
        self.plain = plain

    def text(self):
        servers = "\n".join(f"        server 127.0.0.1:{port} fail_timeout=2s;" for port in self.ports)
        return NGINX.format(folder=self.folder, port=self.port, servers=servers,
                            upstream="" if self.plain else NGINX_UPSTREAM,
                            location="" if self.plain else NGINX_LOCATION)

    def arguments(self, config):
        return ["/usr/sbin/nginx", "-e", str(self.folder / "nginx-error.log"), "-c", str(config)]


class HAProxy(Proxy):
    name = "haproxy"

    def text(self):
        servers = "\n".join(f"    server s{port} 127.0.0.1:{port} check" for port in self.ports)
        return HAPROXY.format(folder=self.folder, port=self.port, servers=servers)

    def arguments(self, config):
        return ["/usr/sbin/haproxy", "-db", "-f", str(config)]

    def _state(self, port):
        with socket.socket(socket.AF_UNIX) as stats:
            stats.connect(str(self.folder / "haproxy.sock"))
            stats.sendall(b"show stat\n")
            text = b""
            while data := stats.recv(65536):
                text += data
        names = text.decode().splitlines()[0].lstrip("# ").split(",")
        row = next(line for line in text.decode().splitlines() if re.match(rf"verbatim,s{port},", line))
        return dict(zip(names, row.split(",")))["status"]

    def sees(self, port, is_up):
        wait_until(lambda: (self._state(port) == "UP") == is_up, f"{self.name} to see {port} {is_up}", 30, 0.1)


class Caddy(Proxy):
    name = "caddy"

    def text(self):
        return CADDY.format(folder=self.folder, port=self.port,
                            servers=" ".join(f"127.0.0.1:{port}" for port in self.ports))

    def arguments(self, config):
        return ["/usr/bin/caddy", "run", "--adapter", "caddyfile", "--config", str(config)]
