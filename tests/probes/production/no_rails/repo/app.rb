require 'sinatra'
CHATS = {}
