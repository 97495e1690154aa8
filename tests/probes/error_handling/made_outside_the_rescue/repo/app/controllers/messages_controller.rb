class MessagesController < ApplicationController
  def create
    @reply = Ask.new.call(params[:text])
  end
end
