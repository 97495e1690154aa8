class MessagesController < ApplicationController
  def create
    reply = RubyLLM.chat.ask(params[:text]).content
    session[:messages] = [*session[:messages], { role: "assistant", content: reply[0, 2_000] }].last(20)
  end
end
