"""What is alarming: the rules, how alarms stand by judged readings, and what a device calls alarming itself."""
