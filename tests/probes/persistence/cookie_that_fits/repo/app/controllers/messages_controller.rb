class MessagesController < ApplicationController
  TURNS = 6
  CHARACTERS = 400

  def create
    history = (session[:messages] || []).last(TURNS - 1)
    reply = RubyLLM.chat.ask(params[:text]).content
    history << { role: "assistant", content: reply.truncate(CHARACTERS) }
    session[:messages] = history.last(TURNS)
  end
end
