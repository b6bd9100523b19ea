# Steps of a Linux guest that has a network card and a gateway behind which port SERVER_PORT is a web server.
step network
for module in virtio_mmio failover net_failover virtio_net; do insmod /modules/$module.ko; done
cat >/tmp/lease <<'END'
#!/bin/sh
[ "$1" = bound ] || exit 0
ifconfig $interface $ip netmask $subnet
route add default gw $router
echo "leased $ip of $subnet from $router"
END
chmod +x /tmp/lease
ifconfig lo 127.0.0.1
ifconfig eth0 up
udhcpc -i eth0 -n -q -s /tmp/lease 2>/dev/null
ping -c 3 10.0.2.2 | grep -c ttl=

step fetching
wget -q -O - http://10.0.2.2:SERVER_PORT/known | sha256sum
seq 1 50000 >/tmp/numbers
wget -q -O - --post-file /tmp/numbers http://10.0.2.2:SERVER_PORT/numbers

step serving
httpd -p 80 -h /share
echo ready to serve
read line
